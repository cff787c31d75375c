import type { Logger, Options, Storage } from "../redlog.js";

interface AsyncStorageLike {
  getAllKeys(): Promise<readonly string[]>;
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

export function asyncStorage(AsyncStorage: AsyncStorageLike): Storage;
export function reactNative(
  options: Options,
  parts: { AsyncStorage?: AsyncStorageLike; AppState?: { addEventListener(type: "change", hear: (state: any) => void): unknown } },
): Logger;
