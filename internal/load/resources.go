package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// What the sessions are of: a stream of many small fragments for its lists, and streams whose fragments are of the size of real ones.
const (
	longStream, longFragments = "long", 5000
	shortList                 = 1000
	fragmentPictures          = 60
	fragmentCount             = 8
	// many is how many sessions there are for a list that is asked for once in each: more than the server remembers.
	many = 40
)

// resource is one thing that is asked for again and again.
type resource struct {
	name  string
	url   string
	args  []string // of wrkScript
	body  []byte   // as nginx sends it; nil: there is nothing to compare
	reach float64  // of nginx's processor time; 0: no promise
	ready string   // its URL at nginx
}

// resources measures what each resource of streaming sessions costs.
func (r *report) resources(ctx context.Context) error {
	if _, err := exec.LookPath(r.wrk); err != nil {
		r.say("without wrk (%v) resources are not measured", err)
		return nil
	}
	s, err := rig.Start(ctx, r.weir, filepath.Join(r.data, "sessions"))
	if err != nil {
		return err
	}
	defer s.Kill()
	if _, err := s.Usage(); err != nil {
		return err
	}
	c := rig.NewClient(s.URL)
	defer c.Close()
	r.say("sessions: upload")
	large, small := 10*r.size, r.size*5/8
	for _, up := range []struct {
		stream            string
		most, pics, bytes int
	}{{longStream, longFragments, 4, 400}, {"large", fragmentCount, fragmentPictures, large}, {"small", fragmentCount, fragmentPictures, small}} {
		if err := r.uploadAll(ctx, s, c, up.stream, up.most, up.pics, up.bytes); err != nil {
			return err
		}
	}
	all, err := r.askAll(ctx, c, large, small)
	if err != nil {
		return err
	}
	var n *nginx
	if r.nginx != "" {
		if n, err = r.startNginx(ctx, filepath.Join(r.data, "nginx")); err != nil {
			return err
		}
		defer n.stop()
		for i, a := range all {
			if a.body == nil {
				continue
			}
			var read string
			if a.ready, read, err = n.put(fmt.Sprint(i), a.body); err != nil {
				return err
			}
			if a.reach > 0 {
				b := *a
				b.name, b.ready = a.name+", nginx without sendfile", read
				all = append(all, &b)
			}
		}
	}
	script := filepath.Join(r.data, "wrk.lua")
	if err := os.WriteFile(script, []byte(wrkScript), 0o600); err != nil {
		return err
	}
	for _, a := range all {
		for _, connections := range r.connections {
			if err := r.beside(ctx, s, n, script, a, connections); err != nil {
				return err
			}
		}
	}
	u, err := s.Usage()
	if err != nil {
		return err
	}
	r.add("memory of the server after that", "%.0f MiB RSS, %.0f MiB at most", mib(u.Resident), mib(u.Peak))
	return s.Stop(time.Minute)
}

// uploadAll uploads a stream of fragments.
func (r *report) uploadAll(ctx context.Context, s *rig.Server, c *rig.Client, stream string, most, pictures, bytes int) error {
	if err := c.CreateStream(ctx, stream, 24); err != nil {
		return err
	}
	p := &producer{stream: stream, time: firstTime, inFlight: 16, most: most,
		fragment: (&rig.Shot{Time: firstTime, Pictures: pictures, Size: bytes}).Append(nil)}
	if err := p.run(ctx, s.URL, time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if len(p.numbers) < most {
		return fmt.Errorf("%d fragments of %d were uploaded in a minute", len(p.numbers), most)
	}
	return nil
}

// ask is how a session is asked for.
type ask map[string]any

// onDemand asks for a session of all of a stream, with lists of at most so many fragments.
func onDemand(stream string, most int) ask {
	by := rig.Between(rig.ProducerTime, firstTime, firstTime+int64(most)*rig.ShotLength.Milliseconds()-1)
	return ask{"StreamName": stream, "PlaybackMode": "ON_DEMAND", "Expires": 43200, "HLSFragmentSelector": by, "MaxMediaPlaylistFragmentResults": most}
}

// dash makes the same of an MPD.
func (a ask) dash() ask {
	d := maps.Clone(a)
	d["DASHFragmentSelector"], d["MaxManifestFragmentResults"] = a["HLSFragmentSelector"], a["MaxMediaPlaylistFragmentResults"]
	delete(d, "HLSFragmentSelector")
	delete(d, "MaxMediaPlaylistFragmentResults")
	return d
}

// ts makes the same of MPEG-TS.
func (a ask) ts() ask {
	t := maps.Clone(a)
	t["ContainerFormat"] = "MPEG_TS"
	return t
}

// session opens an HLS session and returns the URLs of its first media playlist and that playlist's segments.
func session(ctx context.Context, c *rig.Client, in ask) (playlist string, segments []string, err error) {
	var out struct{ HLSStreamingSessionURL string }
	if err := c.Call(ctx, "/getHLSStreamingSessionURL", in, &out); err != nil {
		return "", nil, err
	}
	master, err := fetch(ctx, http.DefaultClient, out.HLSStreamingSessionURL)
	if err != nil {
		return "", nil, err
	}
	lists, err := links(master, out.HLSStreamingSessionURL)
	if err != nil {
		return "", nil, err
	}
	body, err := fetch(ctx, http.DefaultClient, lists[0])
	if err != nil {
		return "", nil, err
	}
	segments, err = links(body, lists[0])
	return lists[0], segments, err
}

// askAll opens the sessions and returns what is to be measured of them.
func (r *report) askAll(ctx context.Context, c *rig.Client, large, small int) ([]*resource, error) {
	var all []*resource
	var failure error
	add := func(a resource, compare bool) {
		if failure != nil {
			return
		}
		if compare {
			a.body, failure = fetch(ctx, http.DefaultClient, a.url)
		}
		all = append(all, &a)
	}
	list := func(most int) string {
		url, segments, err := session(ctx, c, onDemand(longStream, most))
		if err == nil && len(segments) != most {
			err = fmt.Errorf("a playlist has %d segments, not %d", len(segments), most)
		}
		failure = cmp.Or(failure, err)
		return url
	}
	creation := func(name, path string, in ask) {
		body, err := json.Marshal(in)
		failure = cmp.Or(failure, err)
		add(resource{name: name, url: c.URL() + path, args: []string{"POST", string(body)}}, false)
	}
	one := onDemand("small", fragmentCount)
	creation("GetHLSStreamingSessionURL", "/getHLSStreamingSessionURL", one)
	creation("GetDASHStreamingSessionURL", "/getDASHStreamingSessionURL", one.dash())
	add(resource{name: fmt.Sprintf("media playlist of %d", shortList), url: list(shortList)}, true)
	long := list(longFragments)
	add(resource{name: fmt.Sprintf("media playlist of %d", longFragments), url: long}, true)
	add(resource{name: fmt.Sprintf("media playlist of %d, compressed", longFragments), url: long, args: []string{"GZIP"}}, false)
	var paths []string
	for range many {
		paths = append(paths, strings.TrimPrefix(list(longFragments), c.URL()))
	}
	file := filepath.Join(r.data, "paths")
	failure = cmp.Or(failure, os.WriteFile(file, []byte(strings.Join(paths, "\n")), 0o600))
	add(resource{name: fmt.Sprintf("media playlist of %d, each time of another session", longFragments), url: long, args: []string{"PATHS", file}}, false)
	var out struct{ DASHStreamingSessionURL string }
	failure = cmp.Or(failure, c.Call(ctx, "/getDASHStreamingSessionURL", onDemand(longStream, shortList).dash(), &out))
	add(resource{name: fmt.Sprintf("MPD of %d", shortList), url: out.DASHStreamingSessionURL}, true)
	for _, size := range []struct {
		stream string
		bytes  int
	}{{"small", small}, {"large", large}} {
		in := onDemand(size.stream, fragmentCount)
		_, mp4, err := session(ctx, c, in)
		failure = cmp.Or(failure, err)
		_, ts, err := session(ctx, c, in.ts())
		if failure = cmp.Or(failure, err); failure != nil {
			return nil, failure
		}
		reach := 0.0
		if size.stream == "large" {
			reach = 0.75
		}
		add(resource{name: fmt.Sprintf("fragment of %d KB, fMP4", size.bytes/1000), url: mp4[fragmentCount/2], reach: reach}, true)
		add(resource{name: fmt.Sprintf("fragment of %d KB, MPEG-TS", size.bytes/1000), url: ts[fragmentCount/2]}, true)
	}
	return all, failure
}

// turn is what one server did in one turn.
type turn struct {
	each float64 // processor time of a request, µs
	rate float64 // requests a second
}

// beside measures a resource, the servers by turns.
func (r *report) beside(ctx context.Context, s *rig.Server, n *nginx, script string, a *resource, connections int) error {
	r.say("sessions: %s, %d connections", a.name, connections)
	own := func() (time.Duration, error) {
		u, err := s.Usage()
		return u.CPU, err
	}
	var ours, theirs []turn
	for range r.rounds {
		t, err := r.turn(ctx, own, script, a, a.url, connections)
		if err != nil {
			return err
		}
		ours = append(ours, t)
		if n == nil || a.body == nil {
			continue
		}
		if t, err = r.turn(ctx, n.cpu, script, a, a.ready, connections); err != nil {
			return err
		}
		theirs = append(theirs, t)
	}
	what := fmt.Sprintf("%s, %d connections", a.name, connections)
	w := median(ours)
	measured := fmt.Sprintf("%s, %.0f/s", micros(w.each), w.rate)
	if len(theirs) == 0 {
		r.add(what, "%s", measured)
		return nil
	}
	o := median(theirs)
	ratio := w.each / max(o.each, 0.01)
	measured += fmt.Sprintf("; nginx %s, %.0f/s; %.2f ×", micros(o.each), o.rate, ratio)
	if a.reach == 0 {
		r.add(what, "%s", measured)
		return nil
	}
	r.promise(what, measured, fmt.Sprintf("≤ %.2f × nginx", a.reach), ratio <= a.reach)
	return nil
}

var errRefused = errors.New("requests failed")

func (r *report) turn(ctx context.Context, cpu func() (time.Duration, error), script string, a *resource, url string, connections int) (turn, error) {
	before, err := cpu()
	if err != nil {
		return turn{}, err
	}
	l, err := r.drive(ctx, script, url, connections, a.args...)
	if err != nil {
		return turn{}, err
	}
	after, err := cpu()
	if err != nil {
		return turn{}, err
	}
	if l.failed > 0 || l.requests == 0 {
		return turn{}, fmt.Errorf("%w: %d, and %d did not, at %s", errRefused, l.failed, l.requests, url)
	}
	return turn{each: float64((after - before).Microseconds()) / float64(l.requests), rate: l.perSecond()}, nil
}

// median returns the turn with the median processor time.
func median(all []turn) turn {
	slices.SortFunc(all, func(a, b turn) int { return cmp.Compare(a.each, b.each) })
	return all[(len(all)-1)/2]
}

// micros writes a processor time.
func micros(us float64) string {
	if us < 1000 {
		return fmt.Sprintf("%.0f µs", us)
	}
	return fmt.Sprintf("%.2f ms", us/1000)
}
