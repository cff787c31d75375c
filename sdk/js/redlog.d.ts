// Types of RedLog's SDK for JavaScript.

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** Writes a record. Of what follows the message, errors become its exception, objects its attributes. */
export type Write = (message: unknown, ...details: unknown[]) => void;

/** Fields of every record that follows. What is no field of a record becomes one of its attributes. */
export interface Context {
  logger?: string;
  environment?: string;
  release?: string;
  platform?: string;
  device_id?: string;
  /** Made anew by each `init`, unless it is given. */
  session_id?: string;
  user_id?: string | number;
  trace_id?: string;
  span_id?: string;
  [attribute: string]: unknown;
}

/** A batch as it waits. */
export interface Row {
  key: string;
  context: string;
  texts: string[];
  left?: number;
  dropped?: Record<string, number>;
}

/** Where batches wait; every method may be asynchronous, and may fail. */
export interface Storage {
  keys(): string[] | Promise<string[]>;
  get(id: string): Row | undefined | Promise<Row | undefined>;
  put(id: string, row: Row): unknown;
  /** Whether it was there. */
  remove(id: string): boolean | Promise<boolean>;
}

export interface Reply {
  status: number;
  /** The header Retry-After. */
  retryAfter?: string | null;
}

/** Brings a body by POST to a URL, as text/plain. It fails when there is no reply. */
export type Transport = (url: string, body: string, isLeaving: boolean) => Promise<Reply>;

export interface Options {
  /** The server, such as https://logs.example.com; a script tag's own server if it is left out. */
  url?: string;
  /** The app's ingest key. */
  key: string;
  context?: Context;
  /** The lowest level that is reported: trace. */
  level?: Level;
  /** The share of sessions that report all, 0 to 1: 1. The others report errors only. */
  sample?: number;
  /** Report errors and rejections that nobody caught: false. */
  captureErrors?: boolean;
  /** Report lines of the console; true: those of `warn` and `error`. */
  captureConsole?: boolean | Array<"debug" | "log" | "info" | "warn" | "error">;
  /** How many steps (clicks, places, requests, records) an error tells; true: 30. */
  breadcrumbs?: boolean | number;
  /** How long a record waits for others, in ms: 2000. */
  flushMs?: number;
  /** The most records of a batch: 200. */
  batchSize?: number;
  /** The most bytes of a batch: 60,000, which a page may send when it is left. */
  batchBytes?: number;
  /** The most records that wait: 10,000. */
  maxQueue?: number;
  /** The most bytes that wait: 5,000,000. */
  maxQueueBytes?: number;
  /** null: the memory. Otherwise IndexedDB, where there is one. */
  storage?: Storage | null;
  transport?: Transport;
}

export interface Logger {
  trace: Write;
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  fatal: Write;
  log(level: Level | "warning", message: unknown, ...details: unknown[]): void;
  /** A step that errors tell, if `breadcrumbs` is on. */
  breadcrumb(kind: string, what: string, data?: Record<string, unknown>): void;
  /** Fields of the records to come, beside those that were set before; null takes one away. */
  setContext(context: Context): void;
  /** Send all that waits now; whether the server has answered for all of it. */
  flush(): Promise<boolean>;
  /** The same, and take no more; console and page are as they were before. */
  close(): Promise<boolean>;
}

/** A logger. It never throws, and never writes to the console. */
export function init(options: Options): Logger;

declare global {
  /** Made by the script tag. */
  var redlog: { init: typeof init };
}
