"""Files that come with records."""

from database.attachments import Coming, name_of
from service.adapter.wire import Bad, File, Translated
from utils.app_settings import Source
from utils.clock import day_of
from utils.record import dumps

NOT_KEPT = "attachment_not_kept"
_LONGEST = 200


def with_files(
    translated: Translated, source: Source, received_at: int, coming: Coming
) -> Translated:
    """Write the files that came; what is not kept is among the bad records.

    Each file that is kept gets its `id` where its record tells of it. An app that scrubs its
    records keeps none: nothing looks into files.
    """
    wanted = source.settings.attachments and not source.settings.scrubbing.is_on
    refused = []
    for file in translated.files:
        name = _name(file, translated.batch_key, source.app_id, day_of(received_at))
        if wanted and coming.write(name, file.content):
            file.about["id"] = name
        else:
            refused.append(Bad(NOT_KEPT, str(file.about.get("filename", "a file"))[:_LONGEST]))
    return translated._replace(records=[*translated.records, *refused]) if refused else translated


def _name(file: File, batch_key: str, app_id: int, day: str) -> str:
    """The same for the same file of the same report, however often it is sent."""
    user_id, device_id = file.record.get("user_id"), file.record.get("device_id")
    content = dumps([batch_key, file.about]) + file.content
    return name_of(day, app_id, user_id, device_id, content)
