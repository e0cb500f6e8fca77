package policy

import (
	"context"
	"errors"
	"fmt"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// scope is one look at one policy: what was read, and what was decided from it.
type scope struct {
	policy *v1alpha1.AppUpgradePolicy
	found  resolve.Result
	// chart is the zero Chart if no target tells it.
	chart fluxobjects.Chart
	// interval at which the chart is scanned: what the scan has, which is for the scan controller to change.
	interval time.Duration
	// scan and candidate are as they were read; nil if there are none.
	scan      *imagev1.ImageRepository
	candidate *imagev1.ImagePolicy
	// ledger is what the candidate carries of the policy's memory.
	ledger pin.Ledger
	// steps are the searches for next steps, by the step that each starts from.
	steps map[string]*imagev1.ImagePolicy
	// pins by name: the policy's own, and those that it takes over.
	pins map[string]livePin
	// around is what else the decision depends on.
	around surroundings
	// obstacles to the removal of markers.
	obstacles *obstacles

	input    rollout.Input
	decision rollout.Decision
}

// livePin is a pin as it was read.
type livePin struct {
	object *imagev1.ImagePolicy
	intent pin.Intent
	// memory as it is about the checkout branch.
	memory  pin.Memory
	upgrade pin.Upgrade
	// broken says what is wrong with its annotations; such a pin is not written.
	broken *pin.Finding
}

// nameless says that the intent does not tell the target that the pin is named after: somebody removed or changed it.
func (p livePin) nameless() bool {
	return pin.Name(p.intent.Target.Kind, p.intent.Target.Name) != p.object.Name
}

// elsewhere says that the pin has left something in another repository branch than the one in which its target is looked
// for now. It must leave that one first: what it remembers, and what may be moving, is about that one.
func (p livePin) elsewhere(target resolve.Target) bool {
	if p.object == nil || target.Location == nil {
		return false
	}
	repository := p.object.Labels[pin.RepositoryLabel]
	busy := p.memory.Marked || p.object.Labels[pin.BatchLabel] != ""
	return busy && repository != "" && repository != target.Location.RepositoryKey
}

// scanName is the name of the policy's ImageRepository.
func (s scope) scanName() string { return fluxobjects.ScanName(s.policy.Namespace, s.chart) }

// observe reads the Flux objects of a policy and makes the input of its decision.
func (r *Reconciler) observe(ctx context.Context, policy *v1alpha1.AppUpgradePolicy, found resolve.Result) (scope, error) {
	s := scope{policy: policy, found: found, obstacles: &obstacles{}}
	if found.Chart != "" && len(found.Targets) > 0 {
		s.chart = fluxobjects.ChartOf(found.Chart, policy.Spec.Chart)
		if err := r.readScan(ctx, &s); err != nil {
			return s, err
		}
	}
	if err := r.readCandidate(ctx, &s); err != nil {
		return s, err
	}
	var err error
	if s.steps, err = r.readSteps(ctx, policy); err != nil {
		return s, err
	}
	if s.pins, err = r.pinsOf(ctx, policy); err != nil {
		return s, err
	}
	if err := r.readOtherPins(ctx, &s); err != nil {
		return s, err
	}
	if s.around, err = r.readSurroundings(ctx, policy); err != nil {
		return s, err
	}
	s.input = s.rolloutInput(r.options.Clock.Now())
	return s, nil
}

func (r *Reconciler) readScan(ctx context.Context, s *scope) error {
	scan := &imagev1.ImageRepository{}
	exists, err := r.read(ctx, s.policy.Namespace, s.scanName(), scan)
	if err != nil {
		return err
	}
	s.interval = fluxobjects.IntervalOf(s.policy.Spec.Chart)
	if exists {
		s.scan = scan
		s.interval = min(s.interval, scan.Spec.Interval.Duration)
	}
	return nil
}

// readCandidate reads the candidate and what the policy remembers there. To go on without that memory could give targets a
// version that failed, so a candidate whose ledger is broken is a *stalledError. A foreign one remembers nothing.
func (r *Reconciler) readCandidate(ctx context.Context, s *scope) error {
	candidate := &imagev1.ImagePolicy{}
	exists, err := r.read(ctx, s.policy.Namespace, pin.CandidateName(s.policy.Name), candidate)
	if !exists || err != nil {
		return err
	}
	s.candidate = candidate
	if candidate.Labels[pin.ManagedByLabel] != pin.ManagedBy {
		return nil
	}
	ledger, wrong := pin.LedgerOf(candidate)
	if wrong != nil {
		return &stalledError{*brokenFinding(wrong)}
	}
	s.ledger = ledger
	return nil
}

// pinsOf are the pins whose label names the policy.
func (r *Reconciler) pinsOf(ctx context.Context, policy *v1alpha1.AppUpgradePolicy) (map[string]livePin, error) {
	var list imagev1.ImagePolicyList
	if err := r.client.List(ctx, &list, client.InNamespace(policy.Namespace), client.MatchingFields{pinIndex: policy.Name}); err != nil {
		return nil, fmt.Errorf("list pins of AppUpgradePolicy %s/%s: %w", policy.Namespace, policy.Name, err)
	}
	pins := make(map[string]livePin, len(list.Items))
	for i := range list.Items {
		pins[list.Items[i].Name] = readPin(&list.Items[i])
	}
	return pins, nil
}

// readOtherPins looks for pins of the targets that have another policy's label. The target is this policy's alone, or it
// would have a finding, so its pin is taken over with all that it remembers: the marker in Git names the pin and stays.
// An object that the operator did not make is a finding.
func (r *Reconciler) readOtherPins(ctx context.Context, s *scope) error {
	for i := range s.found.Targets {
		target := &s.found.Targets[i]
		name := pin.Name(target.Kind, target.Name)
		if _, own := s.pins[name]; own || target.Finding != nil {
			continue
		}
		object := &imagev1.ImagePolicy{}
		exists, err := r.read(ctx, s.policy.Namespace, name, object)
		if err != nil {
			return err
		}
		if !exists {
			continue
		}
		if object.Labels[pin.ManagedByLabel] != pin.ManagedBy {
			target.Finding = foreignFinding(imagev1.ImagePolicyKind, object)
			continue
		}
		s.pins[name] = readPin(object)
	}
	return nil
}

func readPin(object *imagev1.ImagePolicy) livePin {
	intent, wrongIntent := pin.IntentOf(object)
	memory, wrongMemory := pin.MemoryOf(object)
	upgrade, wrongUpgrade := pin.UpgradeOf(object)
	live := livePin{object: object, intent: intent, memory: memory.OnCheckout(), upgrade: upgrade}
	if err := errors.Join(wrongIntent, wrongMemory, wrongUpgrade); err != nil {
		live.broken = brokenFinding(err)
	}
	return live
}

func brokenFinding(err error) *pin.Finding {
	return &pin.Finding{Reason: v1alpha1.ForeignObjectReason, Message: err.Error() + ": restore the annotation, or remove it to start anew"}
}

// read reads an object from the cache and says whether it exists.
func (r *Reconciler) read(ctx context.Context, namespace, name string, object client.Object) (bool, error) {
	err := r.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %T %s/%s: %w", object, namespace, name, err)
	}
	return true, nil
}
