package archive

import (
	"context"
	"errors"
	"time"

	"github.com/seed63bb8431/weir/archive/quota"
)

// tenant is who shares of the memory are counted by: a stream, and apart from what is served of it what is done with its fragments, so that
// the one does not hold up the other.
type tenant struct {
	stream int64
	use    use
}

type use uint8

const (
	serving  use = iota // whatever callers ask for
	looking             // at a codec record, in the middle of serving
	arriving            // spools of uploads
	storing             // whole fragments that were in a file
	keeping             // fragments of a stream without retention
)

type (
	share  = quota.Share[tenant]
	budget = quota.Budget[tenant]
)

// roomPatience is how long a request waits for memory.
const roomPatience = 5 * time.Second

// divide sets the budgets of memory up. Uploads have a quarter of their own for what arrives: what holds a part of it may wait for the rest, which
// nobody holds who waits for that quarter, so that nothing waits in a circle.
func (a *Archive) divide(total int64) {
	a.arrivals = quota.NewBudget[tenant](total / 4)
	a.memory = quota.NewBudget[tenant](total - total/4)
}

// Memory tells how much of Options.Memory is in use, and the most that ever was; both are 0 without it.
func (a *Archive) Memory() (used, peak int64) {
	u1, p1 := a.memory.Used()
	u2, p2 := a.arrivals.Used()
	return u1 + u2, p1 + p2
}

// room takes memory for something that is done for a caller. What does not come within roomPatience is refused, in a way that clients try
// again.
func (a *Archive) room(ctx context.Context, stream int64, u use, n int64) (*share, error) {
	s, err := a.memory.Acquire(ctx, tenant{stream, u}, n, roomPatience)
	if errors.Is(err, quota.ErrBusy) {
		return nil, busy()
	}
	return s, err
}

func busy() error {
	return failf(ServiceUnavailable, "The server has no memory left for this. Try again in a moment.")
}

// packagingRoom is what it takes to read a document and to make a segment of it, in buffers of takeSized.
func packagingRoom(size int64) int64 {
	return sizedRoom(size) + sizedRoom(size+size/8+mp4Header) + partsRoom(size)
}

// partsRoom is more than what is known of a document's frames takes in most, beside its bytes.
func partsRoom(size int64) int64 { return size/16 + 16<<10 }

// listRoom is what it takes to list so many rows and to write a playlist or manifest of them.
func listRoom(rows int) int64 { return int64(rows)*1024 + 16<<10 }
