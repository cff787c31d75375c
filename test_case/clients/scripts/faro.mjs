import { initializeFaro } from "@grafana/faro-web-sdk";

function pay() {
    throw new TypeError("no card");
}

export async function run({ url, key, session, message, headers = {} }) {
    const faro = initializeFaro({
        url,
        apiKey: key,
        app: { name: "shop", version: "2.1.0", environment: "prod" },
        user: { id: "u-1", username: "ada" },
        sessionTracking: { session: { id: session } },
        batching: { sendTimeout: 100 },
    });
    faro.api.pushLog([message], { level: "warn", context: { order: "7" } });
    faro.api.pushEvent("paid", { how: "card" }, "shop");
    faro.api.pushMeasurement({ type: "cart", values: { items: 3 } });
    setTimeout(pay); // nobody catches it
    await new Promise((done) => setTimeout(done, 300));
}
