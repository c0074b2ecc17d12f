package putmedia_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/putmedia"
)

// An upload of a file.
func Example() {
	server := httptest.NewServer(&service{retention: 24}) // stands for the service
	defer server.Close()
	ctx := context.Background()

	file, err := os.Open("../../testdata/sample.mkv")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	src, err := weir.NewSource(file, putmedia.SourceOptions(nil))
	if err != nil {
		log.Fatal(err)
	}
	muxer := putmedia.NewMuxer(&putmedia.MuxerOptions{Start: time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)})
	var session *putmedia.Session
	for f, err := range muxer.Fragments(src) {
		if err != nil {
			log.Fatal(err)
		}
		if session == nil {
			session = putmedia.NewSession(ctx, &putmedia.Client{Endpoint: server.URL}, putmedia.SessionOptions{
				Input: putmedia.Input{StreamName: "cam-1", ProducerStart: muxer.Start()},
				OnAck: func(a putmedia.Ack) {
					if a.EventType == putmedia.Persisted {
						fmt.Println(a.EventType, a.FragmentTimecode)
					}
				},
			})
		}
		if err := session.Send(ctx, f); err != nil {
			log.Fatal(err)
		}
	}
	if err := session.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Stats().Duration)
	// Output:
	// PERSISTED 0
	// PERSISTED 2000
	// 4s
}
