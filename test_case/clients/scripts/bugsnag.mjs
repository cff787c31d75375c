import Bugsnag from "@bugsnag/js";

export async function run({ url, release, messages, autoTrackSessions = true }) {
    const told = [];
    const note = (...words) => told.push(words.map(String).join(" "));
    Bugsnag.start({
        apiKey: "0".repeat(32),
        endpoints: { notify: `${url}/notify`, sessions: `${url}/sessions` },
        appVersion: release,
        releaseStage: "prod",
        autoTrackSessions,
        logger: { debug: () => {}, info: () => {}, warn: note, error: note },
    });
    for (const message of messages) {
        await new Promise((done) => {
            Bugsnag.notify(
                new TypeError(message, { cause: new RangeError("empty") }),
                (event) => {
                    event.severity = "info";
                    event.setUser("u-1", "a@b.example", "Ada");
                    event.addMetadata("order", { id: 7 });
                },
                done,
            );
        });
    }
    return told;
}
