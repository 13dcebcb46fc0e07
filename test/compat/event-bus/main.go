// What a Go client of event-bus does, with nothing but grpc-go and the generated code: main ADDRESS.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"mq"
)

func main() {
	log.SetFlags(log.Lshortfile)
	connection, err := grpc.Dial(os.Args[1], grpc.WithInsecure())
	check(err)
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	queues, topics := mq.NewMqClient(connection), mq.NewMqTopicClient(connection)
	direct(ctx, queues)
	topic(ctx, topics)
	refused(ctx, queues)
}

func direct(ctx context.Context, queues mq.MqClient) {
	_, err := queues.Publish(ctx, &mq.PublishRequest{Queue: "go", Data: "one", ExpirationSeconds: 60})
	check(err)
	taken, err := queues.Subscribe(ctx, &mq.SubscribeRequest{Queue: "go"})
	check(err)
	expect(taken.Data == "one" && taken.Queue == "go" && len(taken.Id) == 20, taken)
	_, err = queues.Ack(ctx, &mq.QueueId{Id: taken.Id})
	check(err)
	_, err = queues.Nack(ctx, &mq.QueueId{Id: taken.Id})
	expectStatus(err, codes.Unknown, "already acked")

	begun := time.Now()
	_, err = queues.DelayPublish(ctx, &mq.DelayPublishRequest{Queue: "go", Data: "later", DelaySeconds: 1})
	check(err)
	taken, err = queues.Subscribe(ctx, &mq.SubscribeRequest{Queue: "go"})
	check(err)
	expect(taken.Data == "later" && time.Since(begun) >= time.Second, taken)
	_, err = queues.Nack(ctx, &mq.QueueId{Id: taken.Id})
	check(err)
	again, err := queues.Subscribe(ctx, &mq.SubscribeRequest{Queue: "go"})
	check(err)
	expect(again.Data == "later" && again.Id != taken.Id, again)
	_, err = queues.Ack(ctx, &mq.QueueId{Id: again.Id})
	check(err)
	fmt.Println("queue ok")
}

func topic(ctx context.Context, topics mq.MqTopicClient) {
	_, err := topics.Publish(ctx, &mq.TopicPublishRequest{Topic: "gopher", Data: "one"})
	check(err)
	request := &mq.TopicSubscribeRequest{Topic: "gopher", QueueName: "a"}
	taken, err := topics.Subscribe(ctx, request)
	check(err)
	expect(taken.Data == "one" && taken.Queue == "a", taken)
	_, err = topics.Nack(ctx, &mq.QueueId{Id: taken.Id})
	check(err)
	again, err := topics.Subscribe(ctx, request)
	check(err)
	expect(again.Data == "one" && again.Id != taken.Id, again)
	_, err = topics.Ack(ctx, &mq.QueueId{Id: again.Id})
	check(err)
	_, err = topics.DelayPublish(ctx, &mq.DelayTopicPublishRequest{Topic: "gopher", Data: "later", DelaySeconds: 1})
	check(err)
	taken, err = topics.Subscribe(ctx, request)
	check(err)
	expect(taken.Data == "later", taken)
	_, err = topics.Ack(ctx, &mq.QueueId{Id: taken.Id})
	check(err)
	fmt.Println("topic ok")
}

func refused(ctx context.Context, queues mq.MqClient) {
	_, err := queues.Publish(ctx, &mq.PublishRequest{Queue: "go"})
	expectStatus(err, codes.Unknown, "queue and data can't empty")
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	_, err = queues.Subscribe(short, &mq.SubscribeRequest{Queue: "empty"})
	expect(status.Code(err) == codes.DeadlineExceeded, err)
	fmt.Println("errors ok")
}

func expectStatus(err error, code codes.Code, text string) {
	got := status.Convert(err)
	expect(got.Code() == code && got.Message() == text, err)
}

func expect(holds bool, what interface{}) {
	if !holds {
		log.Output(2, fmt.Sprintf("not as expected: %v", what))
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}
