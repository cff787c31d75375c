import * as Sentry from "@sentry/browser";

function pay() {
    throw new TypeError("no card", { cause: new RangeError("empty") });
}

// Each message is an event of its own, sent before the next is made.
export async function run({ dsn, tunnel, release, messages }) {
    Sentry.init({ dsn, tunnel, release, environment: "prod", enableLogs: true });
    const scope = Sentry.getIsolationScope();
    scope.setUser({ id: "u-1", email: "a@b.example" });
    scope.setTag("page", "pay");
    Sentry.addBreadcrumb({ category: "shop", message: "a crumb" });
    Sentry.logger.warn(Sentry.logger.fmt`almost out of ${"茶"}`, { order: 7 });
    setTimeout(pay); // nobody catches it
    await new Promise((done) => setTimeout(done, 50));
    await Sentry.flush(5000);
    Sentry.captureFeedback({ message: "it broke", name: "Ada" });
    await Sentry.flush(5000);
    for (const message of messages) {
        Sentry.captureMessage(message, "info");
        await Sentry.flush(5000);
    }
}
