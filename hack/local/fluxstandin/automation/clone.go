package automation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/git/gogit"
	"github.com/fluxcd/pkg/git/repository"
	"github.com/go-git/go-git/v5/plumbing"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/setters"
)

// clone is a fresh clone in a directory of its own.
type clone struct {
	source *source
	client *gogit.Client
	dir    string
	// head is the commit that was checked out, without content if the remote still has the skippable revision.
	head *git.Commit
}

// pushedCommit is a commit that the remote has taken.
type pushedCommit struct {
	git.Commit
	pushedAt time.Time
}

// clone checks the source out, and switches to its push branch. It is cheap if the remote still has the skippable
// revision, which may be empty.
func (s *source) clone(ctx context.Context, skippable string) (*clone, error) {
	dir, err := os.MkdirTemp("", s.name+"-")
	if err != nil {
		return nil, err
	}
	c := &clone{source: s, dir: dir}
	if err := c.checkOut(ctx, skippable); err != nil {
		c.remove(ctx)
		return nil, err
	}
	return c, nil
}

func (c *clone) checkOut(ctx context.Context, skippable string) error {
	ctx, cancel := context.WithTimeout(ctx, c.source.timeout)
	defer cancel()
	var err error
	if c.client, err = gogit.NewClient(c.dir, c.source.auth, c.source.options...); err != nil {
		return err
	}
	ref := c.source.checkout
	config := repository.CloneConfig{
		ShallowClone:       true,
		LastObservedCommit: skippable,
		CheckoutStrategy: repository.CheckoutStrategy{
			Branch:  ref.Branch,
			Tag:     ref.Tag,
			SemVer:  ref.SemVer,
			RefName: ref.Name,
			Commit:  ref.Commit,
		},
	}
	if c.head, err = c.client.Clone(ctx, c.source.url, config); err != nil {
		return err
	}
	if !c.source.switchesBranch {
		return nil
	}
	return c.client.SwitchBranch(ctx, c.source.pushBranch)
}

// commitAndPush makes one commit of the changes. Only a push branch of its own is pushed to by force. It returns nothing
// when there is nothing to commit.
func (c *clone) commitAndPush(ctx context.Context, auto *imagev1.ImageUpdateAutomation, changes setters.Result) (*pushedCommit, error) {
	if len(changes.FileChanges) == 0 {
		return nil, nil
	}
	message, err := commitMessage(auto, changes)
	if err != nil {
		return nil, err
	}
	var options []repository.CommitOption
	if c.source.signer != nil {
		options = append(options, repository.WithSigner(c.source.signer))
	}
	author := auto.Spec.GitSpec.Commit.Author
	revision, err := c.client.Commit(git.Commit{
		Author:  git.Signature{Name: author.Name, Email: author.Email},
		Message: message,
	}, options...)
	if errors.Is(err, git.ErrNoStagedFiles) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.push(ctx, auto.Spec.GitSpec.Push); err != nil {
		return nil, err
	}
	commit := git.Commit{
		Hash:      git.ExtractHashFromRevision(revision),
		Reference: plumbing.NewBranchReferenceName(c.source.pushBranch).String(),
		Message:   message,
	}
	return &pushedCommit{Commit: commit, pushedAt: time.Now()}, nil
}

func (c *clone) push(ctx context.Context, spec *imagev1.PushSpec) error {
	ctx, cancel := context.WithTimeout(ctx, c.source.timeout)
	defer cancel()
	config := repository.PushConfig{Force: c.source.switchesBranch}
	if spec != nil {
		config.Options = spec.Options
	}
	if err := c.client.Push(ctx, config); err != nil {
		return err
	}
	if c.source.pushRefspec == "" {
		return nil
	}
	config.Refspecs = []string{c.source.pushRefspec}
	return c.client.Push(ctx, config)
}

func (c *clone) remove(ctx context.Context) {
	if err := os.RemoveAll(c.dir); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Failed to remove a clone", "directory", c.dir)
	}
}

// String names the commit as status fields do: branch@algorithm:hash.
func (p *pushedCommit) String() string {
	return fmt.Sprint(&p.Commit)
}
