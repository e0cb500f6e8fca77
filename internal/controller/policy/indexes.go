package policy

import (
	"context"
	"fmt"
	"strings"
	"sync"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// Field indexes.
const (
	// scanIndex is of live policies, by the name of the ImageRepository that they need.
	scanIndex = "policy.scan"
	// sourceIndex is of policies by the GitRepository that they name, and of Kustomizations by theirs.
	sourceIndex = "source"
	// pinIndex is of pins by the name of their policy.
	pinIndex = "pin.policy"
	// stepIndex is of searches for next steps by the name of their policy.
	stepIndex = "step.policy"
	// unsettledIndex is of pins that ask for Git to be read, by what tells that there is something new: their
	// Kustomization, or without one their GitRepository.
	unsettledIndex = "pin.unsettled"
	// kustomizationIndex is of targets, and of what else their versions may be written in, by the Kustomization that their
	// labels name.
	kustomizationIndex = "kustomization"
)

// index is one field index.
type index struct {
	object client.Object
	field  string
	keys   client.IndexerFunc
}

var indexes = []index{
	{&v1alpha1.AppUpgradePolicy{}, resolve.TargetIndex, resolve.TargetKeys},
	{&v1alpha1.AppUpgradePolicy{}, scanIndex, scanKeys},
	{&v1alpha1.AppUpgradePolicy{}, sourceIndex, sourceKeys},
	{&v1alpha1.AppUpgradePolicy{}, resolve.DependencyIndex, resolve.DependencyKeys},
	{&imagev1.ImagePolicy{}, pinIndex, roleKeys(pin.RolePin)},
	{&imagev1.ImagePolicy{}, stepIndex, roleKeys(pin.RoleStep)},
	{&imagev1.ImagePolicy{}, unsettledIndex, unsettledKeys},
	{&kustomizev1.Kustomization{}, sourceIndex, sourceKeys},
}

func (i index) add(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, i.object, i.field, i.keys); err != nil {
		return fmt.Errorf("index %T by %s: %w", i.object, i.field, err)
	}
	return nil
}

// indexSet adds each index once: kinds of targets may be about the same objects.
type indexSet struct {
	mu    sync.Mutex
	added map[string]bool
}

func (s *indexSet) add(ctx context.Context, indexer client.FieldIndexer, i index) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fmt.Sprintf("%T %s", i.object, i.field)
	if s.added[key] {
		return nil
	}
	if err := i.add(ctx, indexer); err != nil {
		return err
	}
	if s.added == nil {
		s.added = map[string]bool{}
	}
	s.added[key] = true
	return nil
}

// scanKeys counts only policies that are not being deleted: these need no scan any more. The chart is in the status,
// since it may come from a Catalog; a scan is kept for a while, so a status that was lost is back in time.
func scanKeys(object client.Object) []string {
	policy, ok := object.(*v1alpha1.AppUpgradePolicy)
	if !ok || policy.Status.Chart == "" || !policy.DeletionTimestamp.IsZero() {
		return nil
	}
	return []string{fluxobjects.ScanName(policy.Namespace, fluxobjects.ChartOf(policy.Status.Chart, policy.Spec.Chart))}
}

func sourceKeys(object client.Object) []string {
	switch object := object.(type) {
	case *v1alpha1.AppUpgradePolicy:
		if source := resolve.ExplicitSource(object); source != nil {
			return []string{source.String()}
		}
	case *kustomizev1.Kustomization:
		reference := object.Spec.SourceRef
		if reference.Kind != sourcev1.GitRepositoryKind {
			return nil
		}
		namespace := reference.Namespace
		if namespace == "" {
			namespace = object.Namespace
		}
		return []string{pin.NamespacedName{Namespace: namespace, Name: reference.Name}.String()}
	}
	return nil
}

// roleKeys are the policies of the ImagePolicies that have a role.
func roleKeys(role string) client.IndexerFunc {
	return func(object client.Object) []string {
		labels := object.GetLabels()
		if labels[pin.ManagedByLabel] != pin.ManagedBy || labels[pin.RoleLabel] != role {
			return nil
		}
		return []string{labels[pin.PolicyLabel]}
	}
}

func unsettledKeys(object client.Object) []string {
	policy, ok := object.(*imagev1.ImagePolicy)
	if !ok || len(roleKeys(pin.RolePin)(object)) == 0 {
		return nil
	}
	intent, err := pin.IntentOf(policy)
	if err != nil || intent.Prompt == "" {
		return nil
	}
	if intent.Source.Kustomization.Name != "" {
		return []string{unsettledKey(kustomizev1.KustomizationKind, intent.Source.Kustomization.String())}
	}
	return []string{unsettledKey(sourcev1.GitRepositoryKind, intent.Source.Repository.String())}
}

func unsettledKey(kind, name string) string { return strings.ToLower(kind) + "/" + name }

func kustomizationKeys(object client.Object) []string {
	named, labelled := resolve.KustomizationOf(object)
	if !labelled {
		return nil
	}
	return []string{named.String()}
}
