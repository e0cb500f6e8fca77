package automation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	aclapi "github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/git/gogit"
	"github.com/fluxcd/pkg/git/signature"
	"github.com/fluxcd/pkg/runtime/secrets"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-git/go-git/v5/plumbing/transport"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// defaultTimeout bounds a Git operation when the GitRepository sets no timeout.
const defaultTimeout = time.Minute

// source is the Git repository of an automation and the means to reach it.
type source struct {
	name           string
	url            string
	checkout       sourcev1.GitRepositoryRef
	pushBranch     string
	pushRefspec    string
	switchesBranch bool
	timeout        time.Duration
	auth           *git.AuthOptions
	options        []gogit.ClientOption
	signer         signature.Signer
}

// source reads the automation's GitRepository: its spec only, so it works without source-controller.
func (a *Automation) source(ctx context.Context, auto *imagev1.ImageUpdateAutomation) (*source, error) {
	if auto.Spec.SourceRef.Kind != sourcev1.GitRepositoryKind {
		return nil, stalled(imagev1.InvalidSourceConfigReason, "source kind '%s' not supported: invalid source configuration", auto.Spec.SourceRef.Kind)
	}
	if auto.Spec.GitSpec == nil {
		return nil, stalled(imagev1.InvalidSourceConfigReason, "source kind 'GitRepository' necessitates field .spec.git: invalid source configuration")
	}
	key := sourceOf(auto)
	if a.NoCrossNamespaceRefs && key.Namespace != auto.Namespace {
		return nil, stalled(aclapi.AccessDeniedReason, "can't access 'GitRepository/%s', cross-namespace references have been blocked", key)
	}
	src, err := a.configure(ctx, auto, key)
	if err != nil {
		return nil, failed(imagev1.SourceManagerFailedReason, "failed configuring source manager: %w", err)
	}
	return src, nil
}

func (a *Automation) configure(ctx context.Context, auto *imagev1.ImageUpdateAutomation, key types.NamespacedName) (*source, error) {
	repo := &sourcev1.GitRepository{}
	if err := a.Client.Get(ctx, key, repo); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("referenced git repository does not exist: %w", err)
		}
		return nil, fmt.Errorf("failed to get referenced git repository: %w", err)
	}
	src := &source{
		name:    key.Namespace + "-" + key.Name,
		url:     repo.Spec.URL,
		timeout: defaultTimeout,
		options: []gogit.ClientOption{gogit.WithDiskStorage()},
	}
	if repo.Spec.Timeout != nil {
		src.timeout = repo.Spec.Timeout.Duration
	}
	if err := src.setBranches(auto.Spec.GitSpec, repo); err != nil {
		return nil, err
	}
	if err := a.setAccess(ctx, src, repo); err != nil {
		return nil, err
	}
	var err error
	src.signer, err = a.signer(ctx, auto)
	return src, err
}

// setBranches decides what to check out and where to push. The automation's own choice comes before the repository's.
func (s *source) setBranches(spec *imagev1.GitSpec, repo *sourcev1.GitRepository) error {
	switch {
	case spec.Checkout != nil:
		s.checkout = spec.Checkout.Reference
	case repo.Spec.Reference != nil:
		s.checkout = *repo.Spec.Reference
	}
	if spec.Push != nil {
		s.pushRefspec = spec.Push.Refspec
	}
	if spec.Push != nil && spec.Push.Branch != "" {
		s.pushBranch = spec.Push.Branch
		checkedOut := s.checkout.Branch
		if spec.Checkout == nil && repo.Spec.Reference == nil {
			checkedOut = git.DefaultBranch
		}
		s.switchesBranch = s.pushBranch != checkedOut
		return nil
	}
	if s.checkout.Branch == "" {
		return errors.New("push spec not provided, and cannot be inferred from .spec.git.checkout.ref or GitRepository .spec.ref")
	}
	s.pushBranch = s.checkout.Branch
	return nil
}

// setAccess reads the secrets, which are in the GitRepository's namespace and not in the automation's.
func (a *Automation) setAccess(ctx context.Context, src *source, repo *sourcev1.GitRepository) error {
	if provider := repo.GetProvider(); provider != sourcev1.GitProviderGeneric {
		return fmt.Errorf("the stand-in for Flux cannot log in to Git provider %q; run the real image-automation-controller", provider)
	}
	address, err := url.Parse(repo.Spec.URL)
	if err != nil {
		return fmt.Errorf("failed to parse URL '%s': %w", repo.Spec.URL, err)
	}
	var data map[string][]byte
	if ref := repo.Spec.SecretRef; ref != nil {
		var secret corev1.Secret
		if err := a.Client.Get(ctx, types.NamespacedName{Namespace: repo.Namespace, Name: ref.Name}, &secret); err != nil {
			return fmt.Errorf("failed to get auth secret '%s/%s': %w", repo.Namespace, ref.Name, err)
		}
		data = secret.Data
	}
	if src.auth, err = git.NewAuthOptions(*address, data); err != nil {
		return fmt.Errorf("failed to configure authentication options: %w", err)
	}
	if src.auth.Transport == git.HTTP {
		src.options = append(src.options, gogit.WithInsecureCredentialsOverHTTP())
	}
	if ref := repo.Spec.ProxySecretRef; ref != nil {
		proxy, err := secrets.ProxyURLFromSecretRef(ctx, a.Client, types.NamespacedName{Namespace: repo.Namespace, Name: ref.Name})
		if err != nil {
			return err
		}
		src.options = append(src.options, gogit.WithProxy(transport.ProxyOptions{URL: proxy.String()}))
	}
	if src.switchesBranch {
		// The push branch must be there to be switched to, which costs a clone of all branches.
		src.options = append(src.options, gogit.WithSingleBranch(false))
	}
	return nil
}
