import { once } from "node:events";
import pino from "pino";
import pinoElasticsearch from "pino-elasticsearch";

export async function run({ node, key, session, messages }) {
    const told = [];
    const stream = pinoElasticsearch({ node, auth: { apiKey: key }, index: "shop", esVersion: 8 });
    for (const event of ["error", "insertError", "unknown"]) {
        stream.on(event, (error) => told.push(`${event}: ${error.message ?? error}`));
    }
    const logger = pino({ level: "trace", base: { session_id: session } }, stream);
    for (const message of messages) {
        logger.warn({ order: 7 }, message);
        logger.error(new TypeError("no card"), "payment failed");
    }
    const inserted = Promise.race([once(stream, "insert"), once(stream, "error")]);
    stream.end();
    await inserted.catch(() => {});
    return told;
}
