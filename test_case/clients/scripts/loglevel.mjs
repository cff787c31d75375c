import log from "loglevel";
import remote from "loglevel-plugin-remote";

export async function run({ url, key, name, messages, json }) {
    remote.apply(log, {
        url,
        token: key,
        interval: 100,
        format: json ? (entry) => ({ ...entry, level: entry.level.label, order: 7 }) : remote.plain,
    });
    const logger = log.getLogger(name);
    logger.setLevel("trace", false);
    for (const message of messages) {
        logger.warn(message, "茶");
    }
    logger.info("paid");
}
