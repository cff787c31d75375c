import Rollbar from "rollbar";

export async function run({ endpoint, key, release, messages }) {
    const rollbar = new Rollbar({
        accessToken: key,
        endpoint,
        environment: "prod",
        payload: { code_version: release },
        captureUncaught: false,
        captureUnhandledRejections: false,
        verbose: false,
        retryInterval: 200,
        maxRetries: 3,
    });
    const told = [];
    for (const message of messages) {
        await new Promise((done) => {
            rollbar.error(message, new TypeError("no card"), { order: 7 }, (error) => {
                told.push(error ? String(error.message ?? error) : null);
                done();
            });
        });
    }
    return told;
}
