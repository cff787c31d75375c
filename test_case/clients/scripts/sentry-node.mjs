import * as Sentry from "@sentry/node";

function pay() {
    throw new TypeError("no card", { cause: new RangeError("empty") });
}

// Each message is an event of its own, sent before the next is made.
export async function run({ dsn, release, messages }) {
    Sentry.init({
        dsn,
        release,
        environment: "prod",
        enableLogs: true,
        tracesSampleRate: 1,
        integrations: [Sentry.extraErrorDataIntegration()],
    });
    const scope = Sentry.getIsolationScope();
    scope.setUser({ id: "u-1", email: "a@b.example" });
    scope.setTag("page", "pay");
    Sentry.addBreadcrumb({ category: "shop", message: "a crumb" });
    scope.addAttachment({ filename: "a.txt", data: "a\r\n\nb", contentType: "text/plain" });
    try {
        pay();
    } catch (error) {
        Sentry.captureException(error, { extra: { order: 7 } });
    }
    scope.clearAttachments();
    Sentry.logger.warn(Sentry.logger.fmt`almost out of ${"茶"}`, { order: 7 });
    await Sentry.flush(5000);
    for (const message of messages) {
        Sentry.captureMessage(message, "info");
        await Sentry.flush(5000);
    }
    await Sentry.close(5000);
}
