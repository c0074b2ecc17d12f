package httpapi

import (
	"github.com/seed63bb8431/weir/archive"
)

// listStreams lists the streams that the caller may see: those that it may call ListStreams on.
//
// A page that has others too is made anew from the largest pages there are. Where it ends before the list does, the token for what
// follows is asked for as that of a page which ends with the last stream shown, since a token tells where its page ended.
func (h *handler) listStreams(x *exchange, in *archive.ListStreamsInput) (*archive.ListStreamsOutput, error) {
	out, err := h.service.ListStreams(x.ctx, in)
	if err != nil {
		return nil, err
	}
	allowed := func(s *archive.StreamInfo) bool { return x.caller.Allows("ListStreams", s.StreamName) }
	foreign := false
	for i := range out.StreamInfoList {
		foreign = foreign || !allowed(&out.StreamInfoList[i])
	}
	if !foreign {
		return out, nil
	}
	limit := maxStreams
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	shown := []archive.StreamInfo{}
	page := *in
	for {
		page.MaxResults = new(int64(maxStreams))
		if out, err = h.service.ListStreams(x.ctx, &page); err != nil {
			return nil, err
		}
		last := 0 // how many streams of this page there are up to the last one shown
		for i := range out.StreamInfoList {
			if !allowed(&out.StreamInfoList[i]) {
				continue
			}
			if len(shown) == limit {
				return h.pageUntil(x, page, last, shown)
			}
			shown, last = append(shown, out.StreamInfoList[i]), i+1
		}
		if out.NextToken == "" {
			return &archive.ListStreamsOutput{StreamInfoList: shown}, nil
		}
		if len(shown) == limit && last > 0 {
			return h.pageUntil(x, page, last, shown)
		}
		page.NextToken = out.NextToken
	}
}

// maxStreams is the most that a page of ListStreams has.
const maxStreams = 10_000

// pageUntil returns the streams with the token of the page that ends after count streams.
func (h *handler) pageUntil(x *exchange, page archive.ListStreamsInput, count int, shown []archive.StreamInfo) (*archive.ListStreamsOutput, error) {
	page.MaxResults = new(int64(count))
	out, err := h.service.ListStreams(x.ctx, &page)
	if err != nil {
		return nil, err
	}
	return &archive.ListStreamsOutput{StreamInfoList: shown, NextToken: out.NextToken}, nil
}
