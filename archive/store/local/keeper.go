package local

import (
	"context"
	"slices"

	"github.com/seed63bb8431/weir/archive/store"
)

// StreamsFrom implements store.Keeper.
func (s *Store) StreamsFrom(ctx context.Context, after int64, limit int) ([]store.Stream, error) {
	end, err := s.reading()
	if err != nil {
		return nil, err
	}
	defer end()
	return s.index.StreamsFrom(ctx, after, limit)
}

// Codecs implements store.Keeper.
func (s *Store) Codecs(ctx context.Context, stream int64) ([]store.Codec, error) {
	end, err := s.reading()
	if err != nil {
		return nil, err
	}
	defer end()
	all, err := s.index.CodecsOf(ctx, stream)
	for i := range all {
		all[i].Delay = slices.Clone(all[i].Delay)
	}
	return all, err
}
