import { initializeFaro } from "@grafana/faro-web-sdk";

function pay() {
    throw new TypeError("no card");
}

// Each message has a batch of its own; the first one's has all else too.
export async function run({ url, key, release, messages }) {
    const faro = initializeFaro({
        url,
        apiKey: key,
        app: { name: "shop", version: release, environment: "prod" },
        user: { id: "u-1", username: "ada" },
        batching: { sendTimeout: 100 },
    });
    faro.api.pushEvent("paid", { how: "card" }, "shop");
    faro.api.pushMeasurement({ type: "cart", values: { items: 3 } });
    setTimeout(pay); // nobody catches it
    for (const message of messages) {
        faro.api.pushLog([message], { level: "warn", context: { order: "7" } });
        await new Promise((done) => setTimeout(done, 500));
    }
}
