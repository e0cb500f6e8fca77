package fluxobjects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"strings"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

const (
	// OCIScheme is how the address of an OCI repository begins.
	OCIScheme = "oci://"
	// DefaultInterval is how often a registry is scanned if no policy says otherwise.
	DefaultInterval = 10 * time.Minute
	// ShortestInterval keeps a typing error from flooding a registry: Flux takes an interval of 0s.
	ShortestInterval = 10 * time.Second

	// defaultProvider and signatureTags are Flux's own defaults.
	defaultProvider = "generic"
	signatureTags   = `^.*\.sig$`

	// nameBytes of the SHA-256 tell ImageRepositories apart, as gitops.Key does for repositories.
	nameBytes = 8
	// baseLength keeps names within 63 characters: base, a hyphen, and two digits for each of nameBytes.
	baseLength = 63 - 1 - 2*nameBytes
)

// Chart is an OCI repository and the means to scan it. Policies of a namespace with equal Charts share one scan.
type Chart struct {
	// URL with its scheme, without a tag.
	URL      string
	Provider string
	// Names of Secrets; empty: none.
	SecretRef, CertSecretRef, ProxySecretRef string
	ServiceAccountName                       string
	Insecure                                 bool
}

// ChartOf combines the address of a chart with what the policy says about reaching it. The spec's own address, if there
// is one, is not used: the caller decides between it and what the catalog says.
func ChartOf(url string, spec *v1alpha1.Chart) Chart {
	chart := Chart{URL: strings.TrimRight(url, "/"), Provider: defaultProvider}
	if spec == nil {
		return chart
	}
	if spec.Provider != "" {
		chart.Provider = spec.Provider
	}
	chart.SecretRef = nameOf(spec.SecretRef)
	chart.CertSecretRef = nameOf(spec.CertSecretRef)
	chart.ProxySecretRef = nameOf(spec.ProxySecretRef)
	chart.ServiceAccountName = spec.ServiceAccountName
	chart.Insecure = spec.Insecure
	return chart
}

// IntervalOf is how often a policy asks for a scan.
func IntervalOf(spec *v1alpha1.Chart) time.Duration {
	if spec == nil || spec.Interval == nil {
		return DefaultInterval
	}
	return max(spec.Interval.Duration, ShortestInterval)
}

// ScanName is the name of the ImageRepository of a chart: the chart's own name, for humans, and a hash of everything that
// two policies must have in common to share it.
func ScanName(namespace string, chart Chart) string {
	key, err := json.Marshal(struct {
		Namespace string
		Chart     Chart
	}{namespace, chart})
	if err != nil {
		panic("fluxobjects: " + err.Error()) // strings and booleans only: cannot happen
	}
	sum := sha256.Sum256(key)
	return baseName(chart.URL) + "-" + hex.EncodeToString(sum[:nameBytes])
}

// Scan is the ImageRepository that scans a chart at an interval. It belongs to no policy: it is shared.
func Scan(namespace string, chart Chart, interval time.Duration) *imagev1.ImageRepository {
	return &imagev1.ImageRepository{
		TypeMeta: metav1.TypeMeta{APIVersion: imagev1.GroupVersion.String(), Kind: imagev1.ImageRepositoryKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      ScanName(namespace, chart),
			Labels:    labels(pin.RoleScan),
		},
		Spec: imagev1.ImageRepositorySpec{
			Image:              strings.TrimPrefix(chart.URL, OCIScheme),
			Interval:           metav1.Duration{Duration: interval},
			Provider:           chart.Provider,
			SecretRef:          reference(chart.SecretRef),
			CertSecretRef:      reference(chart.CertSecretRef),
			ProxySecretRef:     reference(chart.ProxySecretRef),
			ServiceAccountName: chart.ServiceAccountName,
			Insecure:           chart.Insecure,
			ExclusionList:      []string{signatureTags},
		},
	}
}

// baseName is the last part of an address, as far as it fits into an object's name.
func baseName(url string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(path.Base(url)))
	clean = strings.Trim(clean[:min(len(clean), baseLength)], "-")
	if clean == "" {
		return "chart"
	}
	return clean
}

func nameOf(ref *v1alpha1.LocalObjectReference) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}

func reference(name string) *meta.LocalObjectReference {
	if name == "" {
		return nil
	}
	return &meta.LocalObjectReference{Name: name}
}
