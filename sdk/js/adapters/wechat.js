// For WeChat mini programs (微信小程序): `wechat({url, key})`. The server's domain must stand among the
// request domains of the mini program (request 合法域名).

import { init } from "../src/index.js";

const PREFIX = "redlog ";

/** Rows in the mini program's own storage (10 MB in all, 1 MB each). */
export function wechatStorage(wx) {
  const get = (id) => wx.getStorageSync(PREFIX + id) || undefined;
  return {
    get,
    keys: () => wx.getStorageInfoSync().keys.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)),
    put: (id, row) => wx.setStorageSync(PREFIX + id, row),
    remove(id) {
      const wasThere = get(id) !== undefined;
      wx.removeStorageSync(PREFIX + id);
      return wasThere;
    },
  };
}

/** By wx.request. */
export function wechatTransport(wx) {
  return (url, data) =>
    new Promise((resolve, reject) => {
      wx.request({
        url,
        data,
        method: "POST",
        header: { "content-type": "text/plain" },
        success: ({ statusCode, header }) => resolve({ status: statusCode, retryAfter: header["Retry-After"] ?? header["retry-after"] }),
        fail: reject,
      });
    });
}

/** A logger that keeps its queue in the mini program's storage, and sends it when that is hidden. */
export function wechat(options, wx = globalThis.wx) {
  const given = { storage: wechatStorage(wx), transport: wechatTransport(wx), maxQueueBytes: 4e6, ...options };
  const log = init({ ...given, context: { platform: "wechat", ...options.context } });
  wx.onAppHide(() => log.flush());
  if (options.captureErrors) {
    wx.onError?.((message) => log.error(message));
    wx.onUnhandledRejection?.(({ reason }) => log.error("unhandled rejection", reason));
  }
  return log;
}
