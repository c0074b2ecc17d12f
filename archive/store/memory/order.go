package memory

import (
	"cmp"
	"math"
	"slices"

	"github.com/seed63bb8431/weir/archive/store"
)

// order has rows of a stream in the order by a key.
type order struct {
	by   store.Key
	rows []*store.Row
}

// at returns how many rows of o are before p, or with it up to it.
func (o *order) at(p store.Place, with bool) int {
	i, found := slices.BinarySearchFunc(o.rows, p, func(r *store.Row, p store.Place) int {
		q := o.by.Of(r)
		return cmp.Or(cmp.Compare(q.Key, p.Key), cmp.Compare(q.Counter, p.Counter))
	})
	if found && with {
		i++
	}
	return i
}

// before returns the rows whose key is below one.
func (o *order) before(key int64) []*store.Row {
	return o.rows[:o.at(store.Place{Key: key, Counter: math.MinInt64}, false)]
}

// has says whether a row has a key.
func (o *order) has(key int64) bool {
	i := len(o.before(key))
	return i < len(o.rows) && o.by.Of(o.rows[i]).Key == key
}

func (o *order) insert(r *store.Row) {
	o.rows = slices.Insert(o.rows, o.at(o.by.Of(r), false), r)
}

// between returns the rows within q's bounds and behind its After.
func (o *order) between(q *store.Query) []*store.Row {
	first := len(o.before(q.From))
	end := o.at(store.Place{Key: q.To, Counter: math.MaxInt64}, true)
	switch {
	case q.After == nil:
	case q.Descending:
		end = min(end, o.at(*q.After, false))
	default:
		first = max(first, o.at(*q.After, true))
	}
	return o.rows[min(first, end):end]
}
