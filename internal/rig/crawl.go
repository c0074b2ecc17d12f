package rig

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Resource is what a link of a session leads to.
type Resource struct {
	URL  string
	Body []byte
}

// Crawl follows a session's URL as a player does: it gets the playlists or the manifest and everything that they list, each once, in
// the order of the lists.
func Crawl(get func(url string) ([]byte, error), session string) ([]Resource, error) {
	base, err := url.Parse(session)
	if err != nil {
		return nil, err
	}
	var all []Resource
	seen := map[string]bool{}
	var follow func(link string) error
	follow = func(link string) error {
		u, err := base.Parse(link)
		if err != nil {
			return err
		}
		if seen[u.String()] {
			return nil
		}
		seen[u.String()] = true
		body, err := get(u.String())
		if err != nil {
			return fmt.Errorf("rig: %s: %w", u.Path, err)
		}
		all = append(all, Resource{u.String(), body})
		var links []string
		switch {
		case strings.HasSuffix(u.Path, ".m3u8"):
			links = PlaylistLinks(string(body))
		case strings.HasSuffix(u.Path, ".mpd"):
			if links, err = ManifestLinks(body); err != nil {
				return err
			}
		}
		for _, link := range links {
			if err := follow(link); err != nil {
				return err
			}
		}
		return nil
	}
	return all, follow(session)
}

// PlaylistLinks returns the links of a playlist of HLS.
func PlaylistLinks(text string) []string {
	var links []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if _, link, ok := strings.Cut(line, `URI="`); ok {
			link, _, _ = strings.Cut(link, `"`)
			links = append(links, link)
		} else if line != "" && line[0] != '#' {
			links = append(links, line)
		}
	}
	return links
}

// ManifestLinks returns the links of an MPD whose segments are numbered.
func ManifestLinks(text []byte) ([]string, error) {
	var mpd struct {
		Period []struct {
			AdaptationSet []struct {
				Representation []struct {
					ID              string `xml:"id,attr"`
					SegmentTemplate template
				}
				SegmentTemplate template
			}
		}
	}
	if err := xml.Unmarshal(text, &mpd); err != nil {
		return nil, fmt.Errorf("rig: manifest: %w", err)
	}
	var links []string
	for _, p := range mpd.Period {
		for _, set := range p.AdaptationSet {
			for _, r := range set.Representation {
				t := r.SegmentTemplate
				if t.Media == "" {
					t = set.SegmentTemplate
				}
				links = append(links, t.links(r.ID)...)
			}
		}
	}
	return links, nil
}

// template is a SegmentTemplate with a SegmentTimeline.
type template struct {
	Initialization  string `xml:"initialization,attr"`
	Media           string `xml:"media,attr"`
	StartNumber     int    `xml:"startNumber,attr"`
	SegmentTimeline struct {
		S []struct {
			R int `xml:"r,attr"`
		}
	}
}

func (t *template) links(id string) []string {
	links := []string{strings.ReplaceAll(t.Initialization, "$RepresentationID$", id)}
	n := t.StartNumber
	for _, s := range t.SegmentTimeline.S {
		for range s.R + 1 {
			links = append(links, strings.NewReplacer("$RepresentationID$", id, "$Number$", strconv.Itoa(n)).Replace(t.Media))
			n++
		}
	}
	return links
}
