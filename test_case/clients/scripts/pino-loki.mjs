import { once } from "node:events";
import pino from "pino";

// Each message has a batch of its own, and the next waits for its answer.
export async function run({ host, key, labels, messages }) {
    const awake = setInterval(() => {}, 1000); // the transport's thread does not keep Node.js up
    for (const message of messages) {
        const transport = pino.transport({
            target: "pino-loki",
            options: { host, basicAuth: { username: "me", password: key }, labels },
        });
        const logger = pino({ level: "trace" }, transport);
        logger.warn({ order: 7, meta: { trace_id: "5b8efff798038103d269b633813fc60c" } }, message);
        logger.error(new TypeError("no card"), "payment failed");
        transport.end();
        await once(transport, "close");
    }
    clearInterval(awake);
}
