package policy

import (
	"context"
	"fmt"
	"sync"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/apply"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// letGo deletes a pin that is not wanted any more if nobody has to remove a marker first, or nobody can. It says whether
// the pin is gone.
func (r *Reconciler) letGo(ctx context.Context, s scope, live livePin) (gone bool, err error) {
	if live.nameless() {
		return true, r.abandon(ctx, s.policy, live, fmt.Sprintf("somebody removed or changed the pin's annotation %s", pin.IntentAnnotation))
	}
	if live.neverMarked() {
		return true, apply.Delete(ctx, r.client, live.object)
	}
	if live.intent.Unmanaged {
		return true, r.abandon(ctx, s.policy, live, "the policy leaves markers to you (git.markers: Unmanaged)")
	}
	obstacle, err := s.obstacles.of(live.intent.Source.Repository, func() (string, error) {
		return r.obstacle(ctx, s.policy, live.intent.Source.Repository)
	})
	if obstacle == "" || err != nil {
		return false, err
	}
	return true, r.abandon(ctx, s.policy, live, obstacle)
}

// neverMarked says that the pin has no marker and was never asked to have one. One that was asked has a round: a push may be
// on its way although the request was withdrawn, so the repository controller, which looks into Git, is asked.
func (p livePin) neverMarked() bool {
	return !p.memory.Marked && p.intent.Round == 0 && p.object.Labels[pin.BatchLabel] == ""
}

// abandon deletes a pin whose marker stays in Git, and says where it is.
func (r *Reconciler) abandon(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, live livePin, why string) error {
	if err := apply.Delete(ctx, r.client, live.object); err != nil {
		return err
	}
	if live.memory.Marked || live.broken != nil {
		r.warn(policy, v1alpha1.MarkerLeftReason, live.leftBehind(why))
	}
	return nil
}

// leftBehind says where the marker of a deleted pin stays, as far as the pin tells.
func (p livePin) leftBehind(why string) string {
	whose := "pin " + p.object.Name
	if !p.nameless() {
		whose = p.intent.Target.Kind + " " + p.intent.Target.Name
	}
	if !p.memory.Marked || p.memory.File == "" {
		return fmt.Sprintf("A marker of %s may stay in Git, because %s: remove the comment that names %s, if there is one", whose, why, p.object.Name)
	}
	where := message.Place(p.memory.File, p.memory.Line)
	if repository := p.intent.Source.Repository; repository.Name != "" {
		where += fmt.Sprintf(" of GitRepository %s", repository)
	}
	return fmt.Sprintf("The marker of %s stays in %s, because %s: remove the comment that names %s", whose, where, why, p.object.Name)
}

// obstacles are what one look at a policy found out about repositories. The pins of a policy share most of them.
type obstacles struct {
	mu    sync.Mutex
	known map[pin.NamespacedName]string
}

func (o *obstacles) of(repository pin.NamespacedName, find func() (string, error)) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.known[repository]; ok {
		return known, nil
	}
	found, err := find()
	if err != nil {
		return "", err
	}
	if o.known == nil {
		o.known = map[pin.NamespacedName]string{}
	}
	o.known[repository] = found
	return found, nil
}

// obstacle says why no marker can be removed from a repository ever; empty if it can be tried.
func (r *Reconciler) obstacle(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, named pin.NamespacedName) (string, error) {
	repository := &sourcev1.GitRepository{}
	exists, err := r.read(ctx, named.Namespace, named.Name, repository)
	if err != nil {
		return "", err
	}
	if !exists || !repository.DeletionTimestamp.IsZero() {
		return fmt.Sprintf("GitRepository %s is gone", named), nil
	}
	if secret := repository.Spec.SecretRef; secret != nil {
		alive, err := r.alive(ctx, "Secret", named.Namespace, secret.Name)
		if err != nil || !alive {
			return fmt.Sprintf("Secret %s/%s of the GitRepository is gone", named.Namespace, secret.Name), err
		}
	}
	alive, err := r.alive(ctx, "Namespace", "", policy.Namespace)
	if err != nil || !alive {
		return fmt.Sprintf("namespace %s is being deleted", policy.Namespace), err
	}
	return "", nil
}

// alive says whether an object exists and is not being deleted. It asks the API server for the metadata only, so no
// secret is read, and nothing needs a cache of all of them.
func (r *Reconciler) alive(ctx context.Context, kind, namespace, name string) (bool, error) {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	err := r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s %s/%s: %w", kind, namespace, name, err)
	}
	return object.DeletionTimestamp.IsZero(), nil
}
