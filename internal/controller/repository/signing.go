package repository

import (
	"context"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
)

// signer reads the key that signs commits about pins; nil if theirs are not signed.
func (r *Reconciler) signer(ctx context.Context, key string, of batch.Signer) (gitops.Signer, error) {
	signer, err := gitops.SignerOf(ctx, r.Live, of.Namespace, fluxobjects.SigningKey(of.Signing))
	if err != nil {
		return nil, err
	}
	r.unsigned.forget(key, of)
	return signer, nil
}

// unsignable: what failed is the signing key, and not Git.
func unsignable(err error) bool { return gitops.ReasonOf(err) == gitops.ReasonSigningKeyUnusable }

// backOff is when a look at Git that failed is tried again, and what counts the failure once it is said. A key that cannot be
// used delays only those whose commits it signs.
func (r *Reconciler) backOff(key string, asked batch.Visit, err error) (at time.Time, count func()) {
	if unsignable(err) {
		return r.unsigned.backOff(key, asked.Signer, r.Now())
	}
	return r.retries.backOff(key, asked.Repository, r.Now())
}
