package s3

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// retryer tries again what the store or the way to it may be blamed for, until patience is over.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, maxBackoff, allowance{}
		// Of two attempts at one object the first may still be under way.
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{"ConditionalRequestConflict": {}, "OperationAborted": {}}})
	})
}

// begun is the key of the time when a call began, in its context.
type begun struct{}

// begin returns the context of a call that begins now.
func begin(ctx context.Context) context.Context { return context.WithValue(ctx, begun{}, time.Now()) }

// allowance says whether a call may be tried again: as long as its patience lasts. The client's own, by which it gives up early when many
// requests fail at once, is not for one that has nowhere else to put a fragment.
type allowance struct{}

var errPatience = errors.New("tried for long enough")

func (allowance) GetToken(ctx context.Context, _ uint) (func() error, error) {
	if began, ok := ctx.Value(begun{}).(time.Time); ok && time.Since(began) > patience {
		return nil, errPatience
	}
	return func() error { return nil }, nil
}

func (allowance) AddTokens(uint) error { return nil }
