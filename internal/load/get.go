package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// get asks for a URL.
func get(ctx context.Context, c *http.Client, from string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	return c.Do(r)
}

// fetch returns what is at a URL. Anything but a 200 is an error.
func fetch(ctx context.Context, c *http.Client, from string) ([]byte, error) {
	res, err := get(ctx, c, from)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s: %.200q", from, res.Status, body)
	}
	return body, nil
}

// links returns what a playlist names in the lines that are no tags, as URLs.
func links(playlist []byte, from string) ([]string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	var all []string
	lines := bufio.NewScanner(bytes.NewReader(playlist))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		to, err := base.Parse(line)
		if err != nil {
			return nil, err
		}
		all = append(all, to.String())
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s names nothing", from)
	}
	return all, lines.Err()
}
