package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// publicURL is what all servers of same take themselves for: what they answer is not to depend on their ports.
const publicURL = "http://weir.example"

// asked is a request, and what it was answered with.
type asked struct {
	path string // with its query
	body []byte // of a POST; nil: a GET
	sum  [sha256.Size]byte
	size int
}

// same asks a server for everything, and then that server after a restart, and another one that has a copy of its archive, for the same.
func same(ctx context.Context, s *settings) error {
	d := &sameness{settings: s, from: time.Now().Add(-3 * time.Hour).Truncate(time.Second)}
	first, copied := filepath.Join(s.data, "first"), filepath.Join(s.data, "copy")
	if err := d.fill(ctx, first); err != nil {
		return err
	}
	if err := d.collect(ctx, first); err != nil {
		return err
	}
	s.say("same: %d requests", len(d.all))
	if err := os.CopyFS(copied, os.DirFS(first)); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(copied, "session.keys"), 0o600); err != nil { // as a server wants to have it
		return err
	}
	different, bytes := 0, int64(0)
	var told error
	for _, dir := range []string{first, first, copied} { // as it is once more, after another restart, and elsewhere
		found, err := d.compare(ctx, dir)
		if err != nil && found == 0 {
			return err
		}
		if different += found; told == nil {
			told = err
		}
	}
	kinds := map[string]int64{}
	for i := range d.all {
		bytes += int64(d.all[i].size)
		kinds[d.all[i].kind()]++
	}
	all := map[string]int64{"requests": int64(len(d.all)), "answers": int64(3 * len(d.all)), "different": int64(different), "bytes": bytes, "streams": int64(len(d.streams))}
	maps.Copy(all, kinds)
	return errors.Join(s.figures("same", all), told)
}

// sameness is a run of same.
type sameness struct {
	*settings
	from    time.Time
	streams []string
	all     []asked
}

// kind is what a request asks for: the last part of its path.
func (a *asked) kind() string {
	path, _, _ := strings.Cut(a.path, "?")
	name, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ".")
	if strings.HasPrefix(path, "/dash/") {
		name = "dash_" + name
	}
	return name
}

func (d *sameness) start(ctx context.Context, dir string) (*rig.Server, error) {
	return rig.Start(ctx, d.weir, dir, "--public-url", publicURL)
}

// fill uploads each file of media that is taken to a stream of its own.
func (d *sameness) fill(ctx context.Context, dir string) error {
	s, err := d.start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Kill()
	files, err := filepath.Glob(filepath.Join(d.testdata, "*.mkv"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s has no media: %w", d.testdata, err)
	}
	for _, file := range files {
		stream := strings.TrimSuffix(filepath.Base(file), ".mkv")
		cmd := exec.CommandContext(ctx, d.weir, "put", "-q", "--endpoint", s.URL, "--create", "--start", d.from.UTC().Format(time.RFC3339), stream, file)
		if text, err := cmd.CombinedOutput(); err != nil {
			d.say("same: %s is not taken: %s", file, bytes.TrimSpace(text))
			continue
		}
		d.streams = append(d.streams, stream)
	}
	return s.Stop(time.Minute)
}

// collect asks for everything that there is of each stream, and notes the answers.
func (d *sameness) collect(ctx context.Context, dir string) error {
	s, err := d.start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Kill()
	c := rig.NewClient(s.URL)
	defer c.Close()
	from, to := d.from.UnixMilli(), d.from.Add(2*time.Hour).UnixMilli()
	for _, stream := range d.streams {
		all, err := c.All(ctx, stream, nil)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			continue
		}
		var numbers []string
		var last int64
		for _, f := range all {
			numbers = append(numbers, f.FragmentNumber)
			last = max(last, f.ProducerTimestamp.Millis())
		}
		by := rig.Between(rig.ProducerTime, from, to)
		calls := map[string]in{
			"/describeStream":          {"StreamName": stream},
			"/listFragments":           {"StreamName": stream, "MaxResults": 1000, "FragmentSelector": by},
			"/getMediaForFragmentList": {"StreamName": stream, "Fragments": numbers},
			"/getClip":                 {"StreamName": stream, "ClipFragmentSelector": rig.Between(rig.ProducerTime, from, last)},
			"/getImages": {"StreamName": stream, "ImageSelectorType": rig.ProducerTime, "StartTimestamp": rig.FromMillis(from), "EndTimestamp": rig.FromMillis(from + 4000),
				"SamplingInterval": 3000, "Format": "JPEG"},
		}
		for path, ask := range calls {
			if err := d.call(ctx, s, path, ask); err != nil {
				return err
			}
		}
		for protocol, containers := range map[string][]string{"HLS": {"FRAGMENTED_MP4", "MPEG_TS"}, "DASH": {""}} {
			for _, container := range containers {
				ask := in{"StreamName": stream, "PlaybackMode": "ON_DEMAND", "Expires": 43_200, protocol + "FragmentSelector": by}
				if container != "" {
					ask["ContainerFormat"] = container
					ask["DiscontinuityMode"] = "ON_DISCONTINUITY"
				}
				if err := d.crawl(ctx, s, c, protocol, ask); err != nil {
					return err
				}
			}
		}
	}
	slices.SortFunc(d.all, func(a, b asked) int { return strings.Compare(a.path+string(a.body), b.path+string(b.body)) })
	return s.Stop(time.Minute)
}

// call notes the answer to a request of the API, unless it is refused: no clip of sound alone, no picture without a decoder.
func (d *sameness) call(ctx context.Context, s *rig.Server, path string, ask in) error {
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	a := asked{path: path, body: body}
	status, err := a.ask(ctx, s.URL)
	if err != nil {
		return err
	}
	if status == http.StatusOK {
		d.all = append(d.all, a)
	}
	return nil
}

// crawl notes what a session leads to, unless it is refused.
func (d *sameness) crawl(ctx context.Context, s *rig.Server, c *rig.Client, protocol string, ask in) error {
	from, err := session(ctx, c, protocol, ask)
	if _, refused := errors.AsType[*rig.Exception](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = rig.Crawl(func(link string) ([]byte, error) {
		u, err := url.Parse(link)
		if err != nil {
			return nil, err
		}
		a := asked{path: u.RequestURI()}
		body, status, err := a.get(ctx, s.URL)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("%d: %.200q", status, body)
		}
		d.all = append(d.all, a)
		return body, nil
	}, from)
	return err
}

// ask asks a server, and notes the answer.
func (a *asked) ask(ctx context.Context, base string) (status int, err error) {
	_, status, err = a.get(ctx, base)
	return status, err
}

func (a *asked) get(ctx context.Context, base string) (answer []byte, status int, err error) {
	method := http.MethodGet
	if a.body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, base+a.path, bytes.NewReader(a.body))
	if err != nil {
		return nil, 0, err
	}
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	a.sum, a.size = sha256.Sum256(answer), len(answer)
	return answer, res.StatusCode, err
}

// compare asks a server on a directory for everything again, and returns how many answers are others, with an error that tells the first.
func (d *sameness) compare(ctx context.Context, dir string) (different int, told error) {
	s, err := d.start(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer s.Kill()
	for i := range d.all {
		want, got := &d.all[i], d.all[i]
		status, err := got.ask(ctx, s.URL)
		if err != nil {
			return different, err
		}
		if status != http.StatusOK || got.sum != want.sum {
			different++
			if told == nil {
				told = fmt.Errorf("%.120s %.300s: status %d, %d bytes, other than the %d before", want.path, want.body, status, got.size, want.size)
			}
		}
	}
	return different, errors.Join(told, s.Stop(time.Minute))
}
