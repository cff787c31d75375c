// For React Native: `reactNative({url, key}, {AsyncStorage, AppState})`. Its fetch needs no adapter.

import { init } from "../src/index.js";

const PREFIX = "redlog ";

/** Rows in AsyncStorage (@react-native-async-storage/async-storage), or in what has its methods. */
export function asyncStorage(AsyncStorage) {
  const get = async (id) => JSON.parse((await AsyncStorage.getItem(PREFIX + id)) ?? "null") ?? undefined;
  return {
    get,
    keys: async () => (await AsyncStorage.getAllKeys()).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)),
    put: (id, row) => AsyncStorage.setItem(PREFIX + id, JSON.stringify(row)),
    async remove(id) {
      const wasThere = (await get(id)) !== undefined;
      await AsyncStorage.removeItem(PREFIX + id);
      return wasThere;
    },
  };
}

/** A logger that keeps its queue in AsyncStorage, and sends it when the app goes to the background. */
export function reactNative(options, { AsyncStorage, AppState }) {
  const log = init({ storage: AsyncStorage && asyncStorage(AsyncStorage), ...options, context: { platform: "react-native", ...options.context } });
  AppState?.addEventListener("change", () => log.flush());
  if (options.captureErrors) hearErrors(log);
  return log;
}

/** What nobody caught, before React Native's own handler shows it or ends the app. */
function hearErrors(log) {
  const before = globalThis.ErrorUtils?.getGlobalHandler();
  globalThis.ErrorUtils?.setGlobalHandler((error, isFatal) => {
    log[isFatal ? "fatal" : "error"](error);
    log.flush();
    before?.(error, isFatal);
  });
}
