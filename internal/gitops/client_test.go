package gitops

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// What has no caller any more is not begun: it would go on by itself.
func TestEndedContextBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begun := false
		_, err := bounded(ctx, func() (int, error) {
			begun = true
			return 0, nil
		}, func(int) {})
		synctest.Wait()
		if begun || !errors.Is(err, context.Canceled) {
			t.Errorf("begun: %v, error: %v", begun, err)
		}
	})
}
