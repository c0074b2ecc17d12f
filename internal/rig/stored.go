package rig

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed63bb8431/weir/mkv"
)

// Stored is a fragment that was read back.
type Stored struct {
	Number   string // as its tag says
	Time     int64  // of its Cluster, in milliseconds
	Pictures []Picture
}

// Picture is a frame of a Stored.
type Picture struct {
	At   int64 // in milliseconds from the Cluster's time
	Key  bool
	Data []byte
}

const (
	numberTag = "AWS_KINESISVIDEO_FRAGMENT_NUMBER"
	errorTag  = "AWS_KINESISVIDEO_EXCEPTION_MESSAGE"
)

// ReadMedia reads the answer of GetMediaForFragmentList and calls each with one fragment after the other, which is valid until
// it returns. It fails with each's errors, and when a fragment is replaced by an error.
func ReadMedia(media io.Reader, each func(*Stored) error) error {
	r := mkv.NewReader(media, nil)
	var s Stored
	open := false
	finish := func() error {
		if !open {
			return nil
		}
		open = false
		return each(&s)
	}
	for {
		token, err := r.Read()
		if errors.Is(err, io.EOF) {
			return finish()
		}
		if err != nil {
			return fmt.Errorf("rig: media: %w", err)
		}
		switch token {
		case mkv.TokenDocument:
			if err := finish(); err != nil {
				return err
			}
			s = Stored{Pictures: s.Pictures[:0]}
		case mkv.TokenTags:
			for _, t := range r.Tags() {
				switch t.Name {
				case numberTag:
					s.Number = t.Value
				case errorTag:
					return fmt.Errorf("rig: fragment %s: %s", s.Number, t.Value)
				}
			}
		case mkv.TokenCluster:
			if open {
				return fmt.Errorf("rig: a second Cluster in the document of fragment %s", s.Number)
			}
			open = true
		case mkv.TokenBlock:
			b := r.Block()
			s.Time = int64(r.Cluster().Timestamp / time.Millisecond)
			s.Pictures = append(s.Pictures, Picture{
				At: int64(b.PTS/time.Millisecond) - s.Time, Key: b.Key, Data: append([]byte(nil), r.Data(&b)...),
			})
		}
	}
}
