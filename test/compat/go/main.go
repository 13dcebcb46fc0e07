// What a Go program does with nothing but grpc-go and the generated code: main ADDRESS TOPIC.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	rpc "google/rpc"
	waybill "waybill/v1"
)

func main() {
	log.SetFlags(log.Lshortfile)
	connection, err := grpc.Dial(os.Args[1], grpc.WithInsecure())
	check(err)
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	bus := waybill.NewBusClient(connection)
	publishPullAck(ctx, bus, os.Args[2])
	subscribe(ctx, bus, os.Args[2])
	refused(ctx, bus)
	fmt.Println("done")
}

func publishPullAck(ctx context.Context, bus waybill.BusClient, topic string) {
	messages := []*waybill.Message{
		{Topic: topic, Body: []byte("one"), Headers: map[string]string{"from": "go"}, Key: "k"},
		{Topic: topic, Body: []byte("two"), Id: "own-id"},
	}
	published, err := bus.Publish(ctx, &waybill.PublishRequest{Messages: messages})
	check(err)
	expect(len(published.Results) == 2 && published.Results[1].Id == "own-id", published)
	again, err := bus.Publish(ctx, &waybill.PublishRequest{Messages: messages[1:]})
	check(err)
	expect(again.Results[0].Outcome == waybill.PublishOutcome_PUBLISH_OUTCOME_DUPLICATE, again)

	wait := int64(10_000)
	pull := &waybill.PullRequest{Topic: topic, Channel: "go", MaxMessages: 10, LeaseSeconds: 60, WaitMs: &wait}
	var receipts []string
	for len(receipts) < 2 {
		pulled, err := bus.Pull(ctx, pull)
		check(err)
		for _, delivery := range pulled.Deliveries {
			message := messages[len(receipts)]
			expect(bytes.Equal(delivery.Message.Body, message.Body) && delivery.Attempt == 1, delivery)
			expect(delivery.Message.Headers["from"] == message.Headers["from"], delivery)
			receipts = append(receipts, delivery.Receipt)
		}
	}
	acked, err := bus.Ack(ctx, &waybill.AckRequest{Receipts: receipts})
	check(err)
	for _, result := range acked.Results {
		expect(result.Status == waybill.SettleStatus_SETTLE_STATUS_OK, result)
	}
	wait = 0
	rest, err := bus.Pull(ctx, pull)
	check(err)
	expect(len(rest.Deliveries) == 0, rest)
}

func subscribe(ctx context.Context, bus waybill.BusClient, topic string) {
	stream, err := bus.Subscribe(ctx)
	check(err)
	open := &waybill.OpenFrame{Topic: topic, Channel: "go", Credit: 10}
	check(stream.Send(&waybill.SubscribeRequest{Frame: &waybill.SubscribeRequest_Open{Open: open}}))
	opened, err := stream.Recv()
	check(err)
	expect(opened.GetOpened() != nil, opened)
	message := &waybill.Message{Topic: topic, Body: []byte("streamed")}
	_, err = bus.Publish(ctx, &waybill.PublishRequest{Messages: []*waybill.Message{message}})
	check(err)
	frame, err := stream.Recv()
	check(err)
	delivery := frame.GetDeliveries().Deliveries[0]
	expect(string(delivery.Message.Body) == "streamed", delivery)
	ack := &waybill.SubscribeRequest_Ack{Ack: &waybill.AckRequest{Receipts: []string{delivery.Receipt}}}
	check(stream.Send(&waybill.SubscribeRequest{Sequence: 5, Frame: ack}))
	settled, err := stream.Recv()
	check(err)
	expect(settled.GetSettled().GetSequence() == 5 && len(settled.GetSettled().Failures) == 0, settled)
	check(stream.CloseSend())
}

func refused(ctx context.Context, bus waybill.BusClient) {
	bad := []*waybill.Message{{Topic: "a/b"}}
	_, err := bus.Publish(ctx, &waybill.PublishRequest{Messages: bad})
	failure := status.Convert(err)
	expect(failure.Code() == codes.InvalidArgument && len(failure.Proto().Details) == 1, err)
	info := &rpc.ErrorInfo{}
	check(failure.Proto().Details[0].UnmarshalTo(info))
	expect(info.Reason == "TOPIC_INVALID" && info.Domain == "waybill", info)
	expect(info.Metadata["field"] == "messages[0].topic", info)
}

func check(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}

func expect(so bool, what interface{}) {
	if !so {
		log.Output(2, fmt.Sprintf("not expected: %v", what))
		os.Exit(1)
	}
}
