package reflector

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/secrets"
	kauth "github.com/google/go-containerregistry/pkg/authn/kubernetes"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// registry reaches the registry of one ImageRepository with that object's own credentials.
type registry struct {
	reader client.Client
	repo   *imagev1.ImageRepository
}

// parseImage refuses what an ImageRepository's image must not have: a scheme or a tag.
func parseImage(repo *imagev1.ImageRepository) (name.Reference, error) {
	image := repo.Spec.Image
	if scheme, _, found := strings.Cut(image, "://"); found {
		return nil, fmt.Errorf("image '%s' should not include URL scheme; remove '%s://'", image, scheme)
	}
	var options []name.Option
	if repo.Spec.Insecure {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(image, options...)
	if err != nil {
		return nil, err
	}
	path := strings.TrimPrefix(image, ref.Context().RegistryStr())
	if _, tag, found := strings.Cut(path, ":"); found {
		return nil, fmt.Errorf("image '%s' should not include a tag; remove ':%s'", image, tag)
	}
	return ref, nil
}

// options gathers proxy, certificates and pull secrets. Logging in to a cloud needs a cloud, which the stand-in does
// not have.
func (r *registry) options(ctx context.Context) ([]remote.Option, error) {
	if provider := r.repo.GetProvider(); provider != "generic" {
		return nil, fmt.Errorf("the stand-in for Flux cannot log in to provider %q; run the real image-reflector-controller", provider)
	}
	options := []remote.Option{remote.WithContext(ctx)}
	transport, err := r.transport(ctx)
	if err != nil {
		return nil, err
	}
	if transport != nil {
		options = append(options, remote.WithTransport(transport))
	}
	pullSecrets, err := r.pullSecrets(ctx)
	if err != nil {
		return nil, err
	}
	if len(pullSecrets) == 0 {
		return options, nil
	}
	keychain, err := kauth.NewFromPullSecrets(ctx, pullSecrets)
	if err != nil {
		return nil, err
	}
	return append(options, remote.WithAuthFromKeychain(keychain)), nil
}

// transport is nil when the object asks for neither a proxy nor certificates.
func (r *registry) transport(ctx context.Context) (*http.Transport, error) {
	spec := r.repo.Spec
	if spec.ProxySecretRef == nil && spec.CertSecretRef == nil {
		return nil, nil
	}
	transport := remote.DefaultTransport.(*http.Transport).Clone()
	if spec.ProxySecretRef != nil {
		proxy, err := secrets.ProxyURLFromSecretRef(ctx, r.reader, r.named(spec.ProxySecretRef.Name))
		if err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if spec.CertSecretRef != nil {
		config, err := secrets.TLSConfigFromSecretRef(ctx, r.reader, r.named(spec.CertSecretRef.Name), secrets.WithSystemCertPool())
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	return transport, nil
}

// pullSecrets returns the object's own secret and those of its service account.
func (r *registry) pullSecrets(ctx context.Context) ([]corev1.Secret, error) {
	var found []corev1.Secret
	if ref := r.repo.Spec.SecretRef; ref != nil {
		var secret corev1.Secret
		if err := r.reader.Get(ctx, r.named(ref.Name), &secret); err != nil {
			return nil, err
		}
		found = append(found, secret)
	}
	if account := r.repo.Spec.ServiceAccountName; account != "" {
		more, err := secrets.PullSecretsFromServiceAccountRef(ctx, r.reader, r.named(account))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func (r *registry) named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: r.repo.Namespace, Name: name}
}

// listTags returns the tags that the exclusion list leaves, highest first in lexical order.
func listTags(image name.Repository, exclusionList []string, options []remote.Option) ([]string, error) {
	all, err := remote.List(image, options...)
	if err != nil {
		return nil, err
	}
	kept, err := withoutExcluded(all, exclusionList)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(kept, func(a, b string) int { return strings.Compare(b, a) })
	return kept, nil
}

// digest asks the registry for the digest behind a tag.
func (r *registry) digest(ctx context.Context, tag string) (string, error) {
	ref, err := name.ParseReference(r.repo.Spec.Image + ":" + tag)
	if err != nil {
		return "", err
	}
	options, err := r.options(ctx)
	if err != nil {
		return "", err
	}
	descriptor, err := remote.Head(ref, options...)
	if err != nil {
		return "", err
	}
	return descriptor.Digest.String(), nil
}

func withoutExcluded(tags, exclusionList []string) ([]string, error) {
	patterns := make([]*regexp.Regexp, 0, len(exclusionList))
	for _, expression := range exclusionList {
		pattern, err := regexp.Compile(expression)
		if err != nil {
			return nil, fmt.Errorf("failed to compile regex %s: %w", expression, err)
		}
		patterns = append(patterns, pattern)
	}
	kept := []string{}
	for _, tag := range tags {
		excluded := slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(tag) })
		if !excluded {
			kept = append(kept, tag)
		}
	}
	return kept, nil
}
