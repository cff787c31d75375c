import winston from "winston";
import LokiTransport from "winston-loki";

// What was refused is sent again when the transport is closed.
export async function run({ host, key, labels, message, json = false }) {
    const refusals = [];
    const transport = new LokiTransport({
        host,
        basicAuth: `me:${key}`,
        labels,
        json,
        interval: 0.1,
        onConnectionError: (error) => refusals.push(error.statusCode),
        format: winston.format.json(),
    });
    const logger = winston.createLogger({
        level: "silly",
        format: winston.format.errors({ stack: true }),
        transports: [transport],
    });
    logger.warn(message, { order: 7 });
    logger.error(new TypeError("no card"));
    await new Promise((done) => setTimeout(done, 300)); // until the first try was answered
    await transport.close();
    return refusals;
}
