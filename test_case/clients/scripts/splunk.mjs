import splunk from "splunk-logging";

export async function run({ url, key, host, messages, maxRetries = 0 }) {
    const logger = new splunk.Logger({ url, token: key, maxRetries, batchInterval: 50, maxBatchCount: 2 });
    const told = [];
    logger.error = (error) => told.push(String(error.message ?? error));
    for (const message of messages) {
        logger.send({
            message: { message, order: 7 },
            severity: "warn",
            metadata: { host, source: "shop", sourcetype: "pay", index: "main" },
        });
        logger.send({ message: "paid", metadata: { host } });
        await new Promise((done) => setTimeout(done, 500));
    }
    return told;
}
