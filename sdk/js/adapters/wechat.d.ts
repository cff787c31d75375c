import type { Logger, Options, Storage, Transport } from "../redlog.js";

export function wechatStorage(wx: any): Storage;
export function wechatTransport(wx: any): Transport;
export function wechat(options: Options, wx?: any): Logger;
