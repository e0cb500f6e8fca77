package gitops

import (
	"context"
	"time"

	"github.com/fluxcd/pkg/git"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Remote is a branch and the means to reach it. One without credentials may be
// written as a literal; RemoteOf makes one from a GitRepository.
type Remote struct {
	// URL is the repository without user information.
	URL string
	// Branch is the short name of the branch.
	Branch string

	auth    *git.AuthOptions
	proxy   transport.ProxyOptions
	timeout time.Duration
}

// RemoteOf reads the address, the branch and the credentials of a GitRepository.
func RemoteOf(ctx context.Context, reader client.Reader, repo *sourcev1.GitRepository) (Remote, error) {
	return Remote{}, nil
}
