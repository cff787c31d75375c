import { datadogLogs } from "@datadog/browser-logs";

function pay() {
    throw new TypeError("no card");
}

// What it holds it sends when that is much, or when the page is left.
export async function run({ proxy, release, messages, errors = true }) {
    datadogLogs.init({
        clientToken: "pub0",
        proxy,
        service: "shop",
        env: "prod",
        version: release,
        forwardErrorsToLogs: true,
        telemetrySampleRate: 0,
    });
    datadogLogs.setUser({ id: "u-1", name: "Ada" });
    for (const message of messages) {
        datadogLogs.logger.warn(message, { order: 7 });
        await new Promise((done) => setTimeout(done, 200));
    }
    if (errors) {
        datadogLogs.logger.error("payment failed", {}, new RangeError("empty"));
        setTimeout(pay); // nobody catches it
    }
    await new Promise((done) => setTimeout(done, 50));
}
