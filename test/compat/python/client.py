"""What a Python program does with nothing but grpcio and the generated code: client.py ADDRESS SCENARIO TOPIC."""

import json
import queue
import sys
import time

import grpc
from google.rpc import error_details_pb2, status_pb2
from waybill.v1 import bus_pb2, bus_pb2_grpc, message_pb2

ACCEPTED, SCHEDULED, PARKED, DUPLICATE = 1, 2, 3, 4
OK, STALE, UNKNOWN = 1, 2, 3


def publish(bus, *messages):
    request = bus_pb2.PublishRequest(messages=[message_pb2.Message(**message) for message in messages])
    return bus.Publish(request, timeout=20).results


def pull(bus, topic, wait_ms=10_000, **more):
    request = bus_pb2.PullRequest(topic=topic, channel="python", wait_ms=wait_ms, **{"max_messages": 100, **more})
    return bus.Pull(request, timeout=20).deliveries


def statuses(response):
    return [result.status for result in response.results]


def error_of(error):
    """The ErrorInfo in the trailing metadata."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert status.code == error.code().value[0]
    return info


def publishes_pulls_and_acks(bus, topic):
    parked, = publish(bus, dict(topic=topic, body=b"first"))
    assert parked.outcome == PARKED, parked
    results = publish(
        bus,
        *[dict(topic=topic, body=bytes([i]), headers={"n": str(i), "k": "ä😀"}, key="order-1") for i in range(50)],
    )
    assert len({result.id for result in results}) == 50

    deliveries = []
    while len(deliveries) < 51:
        deliveries.extend(pull(bus, topic, lease_seconds=60))
    by_id = {delivery.message.id: delivery for delivery in deliveries}
    assert by_id[parked.id].message.body == b"first"
    for i, result in enumerate(results):
        message = by_id[result.id].message
        assert (message.topic, message.body, message.key) == (topic, bytes([i]), "order-1")
        assert dict(message.headers) == {"n": str(i), "k": "ä😀"}
        assert by_id[result.id].attempt == 1
    ack = bus_pb2.AckRequest(receipts=[delivery.receipt for delivery in deliveries])
    assert statuses(bus.Ack(ack)) == [OK] * 51
    # The same ack again is the same answer; another settle comes too late.
    assert statuses(bus.Ack(ack)) == [OK] * 51
    assert statuses(bus.Nack(bus_pb2.NackRequest(receipts=ack.receipts[:1]))) == [STALE]
    assert statuses(bus.Ack(bus_pb2.AckRequest(receipts=["nobody's"]))) == [UNKNOWN]
    assert len(pull(bus, topic, wait_ms=0)) == 0


def knows_its_own_ids(bus, topic):
    pull(bus, topic, wait_ms=0)
    first, = publish(bus, dict(topic=topic, id="order-42", body=b"a"))
    again, = publish(bus, dict(topic=topic, id="order-42", body=b"a"))
    assert (first.outcome, again.outcome) == (ACCEPTED, DUPLICATE)
    delivery, = pull(bus, topic)
    assert delivery.message.id == "order-42"
    assert statuses(bus.Ack(bus_pb2.AckRequest(receipts=[delivery.receipt]))) == [OK]
    assert len(pull(bus, topic, wait_ms=0)) == 0


def delays_cancels_and_reschedules(bus, topic):
    pull(bus, topic, wait_ms=0)
    begun = time.time() * 1000
    soon, late, gone = publish(
        bus,
        dict(topic=topic, body=b"soon", delay_ms=700),
        dict(topic=topic, body=b"late", due_time_ms=int(begun) + 3_600_000),
        dict(topic=topic, body=b"gone", delay_ms=600_000),
    )
    assert {soon.outcome, late.outcome, gone.outcome} == {SCHEDULED}
    bus.Cancel(bus_pb2.CancelRequest(topic=topic, id=gone.id))
    moved = bus.Reschedule(bus_pb2.RescheduleRequest(topic=topic, id=late.id, delay_ms=900))
    assert abs(moved.due_time_ms - begun - 900) < 10_000
    for expected, after in [(soon, 700), (late, 900)]:
        delivery, = pull(bus, topic, max_messages=1)
        assert delivery.message.id == expected.id
        # A millisecond of it may be lost where the clock is rounded.
        assert time.time() * 1000 - begun >= after - 1
        assert statuses(bus.Ack(bus_pb2.AckRequest(receipts=[delivery.receipt]))) == [OK]
    assert len(pull(bus, topic, wait_ms=0)) == 0


def nacks_extends_and_rejects(bus, topic):
    pull(bus, topic, wait_ms=0)
    publish(bus, dict(topic=topic, body=b"again"))
    first, = pull(bus, topic)
    extended = bus.Extend(bus_pb2.ExtendRequest(receipts=[first.receipt], lease_seconds=120))
    assert statuses(extended) == [OK]
    nack = bus_pb2.NackRequest(receipts=[first.receipt], delay_ms=0, reason="not today")
    assert statuses(bus.Nack(nack)) == [OK]
    second, = pull(bus, topic)
    assert (second.message.id, second.attempt) == (first.message.id, 2)
    assert statuses(bus.Ack(bus_pb2.AckRequest(receipts=[first.receipt]))) == [STALE]
    assert statuses(bus.Reject(bus_pb2.RejectRequest(receipts=[second.receipt], reason="never"))) == [OK]
    assert len(pull(bus, topic, wait_ms=0)) == 0


def subscribes_with_credit(bus, topic):
    requests = queue.Queue()
    retry = message_pb2.RetryPolicy(max_retries=2, fixed=message_pb2.FixedBackoff(delay_ms=0))
    opening = bus_pb2.OpenFrame(topic=topic, channel="python", credit=3, lease_seconds=30, retry=retry, consumer="py")
    requests.put(bus_pb2.SubscribeRequest(open=opening))
    frames = bus.Subscribe(iter(requests.get, None), timeout=30)
    opened = next(frames).opened
    assert opened.lease_seconds == 30 and opened.heartbeat_seconds > 0

    ids = [result.id for result in publish(bus, *[dict(topic=topic, body=b"%d" % i) for i in range(10)])]
    held = []
    while len(held) < 3:
        held.extend(next(frames).deliveries.deliveries)
    assert len(held) == 3
    # The credit is used up: what comes next is the answer to a settle, not a fourth message.
    requests.put(bus_pb2.SubscribeRequest(sequence=7, nack=bus_pb2.NackRequest(receipts=[held[0].receipt, "nobody's"])))
    settled = next(frames).settled
    assert settled.sequence == 7
    assert [(failure.receipt, failure.status) for failure in settled.failures] == [("nobody's", UNKNOWN)]

    requests.put(bus_pb2.SubscribeRequest(credit=bus_pb2.CreditFrame(credit=100)))
    requests.put(bus_pb2.SubscribeRequest(sequence=8, ack=bus_pb2.AckRequest(receipts=[d.receipt for d in held[1:]])))
    acked = {delivery.message.id for delivery in held[1:]}
    retried = []
    for frame in frames:
        assert not frame.settled.failures, frame
        for delivery in frame.deliveries.deliveries:
            ack = bus_pb2.AckRequest(receipts=[delivery.receipt])
            requests.put(bus_pb2.SubscribeRequest(sequence=9, ack=ack))
            acked.add(delivery.message.id)
            if delivery.attempt > 1:
                retried.append((delivery.message.id, delivery.attempt))
        if acked == set(ids):
            requests.put(None)
    assert retried == [(held[0].message.id, 2)]
    assert len(pull(bus, topic, wait_ms=0)) == 0


def gets_typed_errors(bus, topic):
    calls = [
        (lambda: publish(bus, dict(topic="a/b")), "INVALID_ARGUMENT", "TOPIC_INVALID", "messages[0].topic"),
        (lambda: pull(bus, topic, lease_seconds=-1), "INVALID_ARGUMENT", "LEASE_INVALID", "lease_seconds"),
        (lambda: bus.Ack(bus_pb2.AckRequest()), "INVALID_ARGUMENT", "BATCH_INVALID", "receipts"),
        (lambda: bus.Cancel(bus_pb2.CancelRequest(topic=topic, id="x")), "NOT_FOUND", "SCHEDULED_NOT_FOUND", ""),
        (lambda: next(bus.Subscribe(iter([bus_pb2.SubscribeRequest()]))), "FAILED_PRECONDITION", "NOT_OPEN", "frame"),
    ]
    for call, code, reason, field in calls:
        try:
            call()
        except grpc.RpcError as error:
            info = error_of(error)
            assert (error.code().name, info.domain, info.reason) == (code, "waybill", reason), error
            assert info.metadata["field"] == field, info
        else:
            raise AssertionError(f"{reason} was not raised")


def publishes_three(bus, topic):
    publish(bus, *[dict(topic=topic, body=b'{"n":%d}' % n, headers={"from": "python"}, key="k") for n in range(3)])


def pulls_three(bus, topic):
    deliveries = []
    while len(deliveries) < 3:
        deliveries.extend(pull(bus, topic))
    for delivery in deliveries:
        message = delivery.message
        print(json.dumps([json.loads(message.body), message.headers["from"], message.key]))
    assert statuses(bus.Ack(bus_pb2.AckRequest(receipts=[d.receipt for d in deliveries]))) == [OK] * 3


if __name__ == "__main__":
    address, scenario, topic = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        globals()[scenario](bus_pb2_grpc.BusStub(channel), topic)
