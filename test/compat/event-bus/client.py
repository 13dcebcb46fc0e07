"""A client of event-bus as any Python team would have it: stock grpcio, code generated from the proto file.

Usage: client.py HOST:PORT. Prints one line for each step, and fails at the first that is not as the original's.
"""
import sys
import time

import grpc
from mq import mq_pb2, mq_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1])
queues = mq_pb2_grpc.MqStub(channel)
topics = mq_pb2_grpc.MqTopicStub(channel)
WAIT = 20


def refused(call, request):
    try:
        call(request, timeout=WAIT)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("not refused")


def take_queue(queue):
    return queues.subscribe(mq_pb2.SubscribeRequest(queue=queue), timeout=WAIT)


def take_topic(topic, queue):
    return topics.subscribe(mq_pb2.TopicSubscribeRequest(topic=topic, queueName=queue), timeout=WAIT)


def check(what, publish, delay_publish, take, service):
    publish("one")
    taken = take()
    assert taken.data == "one" and len(taken.id) == 20, taken
    service.ack(mq_pb2.QueueId(id=taken.id), timeout=WAIT)
    code, details = refused(service.nack, mq_pb2.QueueId(id=taken.id))
    assert (code, details) == (grpc.StatusCode.UNKNOWN, "already acked"), (code, details)

    begun = time.time()
    delay_publish("later")
    taken = take()
    assert taken.data == "later" and time.time() - begun >= 1, taken
    service.nack(mq_pb2.QueueId(id=taken.id), timeout=WAIT)
    again = take()
    assert again.data == "later" and again.id != taken.id, again
    service.ack(mq_pb2.QueueId(id=again.id), timeout=WAIT)
    print(what, "ok")


check(
    "queue",
    lambda data: queues.publish(mq_pb2.PublishRequest(queue="q", data=data, ExpirationSeconds=60), timeout=WAIT),
    lambda data: queues.delayPublish(mq_pb2.DelayPublishRequest(queue="q", data=data, delaySeconds=1), timeout=WAIT),
    lambda: take_queue("q"),
    queues,
)
check(
    "topic",
    lambda data: topics.publish(mq_pb2.TopicPublishRequest(topic="t", data=data), timeout=WAIT),
    lambda data: topics.delayPublish(mq_pb2.DelayTopicPublishRequest(topic="t", data=data, delaySeconds=1), timeout=WAIT),
    lambda: take_topic("t", "a"),
    topics,
)
code, details = refused(queues.publish, mq_pb2.PublishRequest(queue="q", data=""))
assert (code, details) == (grpc.StatusCode.UNKNOWN, "queue and data can't empty"), (code, details)
try:
    queues.subscribe(mq_pb2.SubscribeRequest(queue="empty"), timeout=0.5)
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
else:
    raise AssertionError("took something of an empty queue")
print("errors ok")
