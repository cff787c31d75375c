import { datadogLogs } from "@datadog/browser-logs";

function pay() {
    throw new TypeError("no card");
}

// It sends what it holds when the page is left.
export async function run({ proxy, release, message }) {
    datadogLogs.init({
        clientToken: "pub0",
        proxy,
        service: "shop",
        env: "prod",
        version: release,
        forwardErrorsToLogs: true,
        sessionSampleRate: 100,
        telemetrySampleRate: 0,
    });
    datadogLogs.setUser({ id: "u-1", name: "Ada" });
    datadogLogs.logger.warn(message, { order: 7 });
    datadogLogs.logger.error("payment failed", {}, new RangeError("empty"));
    setTimeout(pay); // nobody catches it
    await new Promise((done) => setTimeout(done, 50));
}
