"""The main way of a record, end to end."""

from started import Server, wait_until


def test_a_reported_record_is_read_back(server: Server) -> None:
    answer = server.report([{"message": "hello", "level": "warn", "user_id": "u1"}])
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "rejected": [], "shed": 0}
    (record,) = wait_until(lambda: server.query(q="HELLO"), "the record")
    assert (record["message"], record["level"], record["user_id"]) == ("hello", "warning", "u1")
