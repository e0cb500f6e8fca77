package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

// intentFor is what the pin of a target should want. live is the zero livePin if there is none yet.
func (s scope) intentFor(target resolve.Target, decision rollout.TargetDecision, live livePin) pin.Intent {
	intent := live.intent
	intent = addressed(intent, s.policy.Namespace, target)
	if target.Location != nil {
		intent.Source = target.Location.Source
	}
	git := gitOf(s.policy)
	intent.Commit = commitOf(git)
	intent.Unmanaged = git.Markers == v1alpha1.MarkersUnmanaged
	intent.AllowShared = git.AllowShared
	intent.RefuseReformat = git.Reformat == v1alpha1.ReformatRefuse
	intent.Mark = target.Finding == nil && !intent.Unmanaged && !s.policy.Spec.Suspend
	intent.Remove = removes(s.policy, target.Finding)
	intent.Prompt = s.prompt(target, live)
	if !live.memory.Marked && live.memory.Leader == "" {
		intent.Has = target.Facts.Version
	}
	intent.Want, intent.Back = decision.Want, decision.Back
	intent.Wave = s.waveName(decision.Wave)
	intent.Resume = s.decision.Ledger.Resume()
	return s.numbered(intent, live)
}

// addressed is the intent with the target, and with the object in which its version is written, as far as these are known.
func addressed(intent pin.Intent, namespace string, target resolve.Target) pin.Intent {
	kind := kinds.Of(target.Kind).GroupVersionKind()
	intent.Target.APIVersion, intent.Target.Kind = kind.GroupVersion().String(), kind.Kind
	intent.Target.Namespace, intent.Target.Name = namespace, target.Name
	written := target.Facts.Written
	if written.Object == nil {
		return intent
	}
	intent.Target.Verbatim = target.Facts.Verbatim
	intent.Written = nil
	if written.Kind == kind && written.Object.GetName() == target.Name {
		intent.Target.Field = written.Field
		return intent
	}
	intent.Target.Field = nil
	intent.Written = &pin.Target{
		APIVersion: written.Kind.GroupVersion().String(), Kind: written.Kind.Kind,
		Namespace: written.Object.GetNamespace(), Name: written.Object.GetName(), Field: written.Field,
	}
	return intent
}

// intentOfLeft is what a pin should want whose target the policy does not select any more, or looks for in another
// repository branch, or whose policy is being deleted, suspended or not.
func (s scope) intentOfLeft(live livePin) pin.Intent {
	intent := live.intent
	git := gitOf(s.policy)
	intent.Commit = commitOf(git)
	intent.Unmanaged = git.Markers == v1alpha1.MarkersUnmanaged
	intent.Mark = false
	intent.Remove = !s.policy.Spec.Suspend || !s.policy.DeletionTimestamp.IsZero()
	intent.Want, intent.Back = "", ""
	return s.numbered(intent, live)
}

// waveName is the name of a wave of the policy; empty for a target of none.
func (s scope) waveName(index int) string {
	if index < 0 || index >= len(s.input.Policy.Waves) {
		return ""
	}
	return s.input.Policy.Waves[index].Name
}

// numbered is the intent with its round. One that asks for something else than before belongs to a new round: its pin waits
// for the others of the policy, so that one commit moves, marks or unmarks them all.
func (s scope) numbered(intent pin.Intent, live livePin) pin.Intent {
	before := live.intent
	moves := intent.Want != before.Want || intent.Back != before.Back || intent.Wave != before.Wave || intent.Resume != before.Resume
	if moves || intent.Mark != before.Mark || intent.Remove != before.Remove {
		intent.Round = s.lastRound() + 1
	}
	return intent
}

// removes says whether a finding means that the policy gives the target up. Nothing is given up while it is suspended.
func removes(policy *v1alpha1.AppUpgradePolicy, finding *pin.Finding) bool {
	if finding == nil || policy.Spec.Suspend {
		return false
	}
	return finding.Reason == v1alpha1.TargetMissingReason || finding.Reason == v1alpha1.PolicyConflictReason
}

// prompt asks for Git to be read once for each new fact about a target, as long as the cluster does not have what was
// read there last. The facts are hashed because a human's token may be long.
func (s scope) prompt(target resolve.Target, live livePin) string {
	if target.Finding != nil || target.Object == nil || target.Location == nil {
		return live.intent.Prompt
	}
	placed := live.memory.Marked || live.memory.Leader != ""
	awaited := live.memory.Proposal.Tag != "" // each new commit may merge it
	if placed && !awaited && live.memory.Finding == nil && target.Facts.Version == live.memory.Git {
		return ""
	}
	source := target.Location.Source
	facts := []string{target.Location.Revision, target.Facts.Version, source.Path, source.Below, s.policy.Annotations[v1alpha1.ReconcileRequestAnnotation]}
	if gitOf(s.policy).AllowShared {
		facts = append(facts, "shared"+target.Location.Ungranted)
	}
	if ignore := target.Location.Ignore; ignore != "" {
		facts = append(facts, "ignore"+ignore)
	}
	sum := sha256.Sum256([]byte(strings.Join(facts, "\n")))
	return hex.EncodeToString(sum[:8])
}

// lastRound is the newest round that any object of the policy has.
func (s scope) lastRound() int64 {
	round := roundOf(s.candidate)
	for _, live := range s.pins {
		round = max(round, live.intent.Round)
	}
	return round
}

// roundOf is the round of a candidate. One that is missing or that somebody garbled counts as the first: the rounds of
// the pins make up for it.
func roundOf(candidate *imagev1.ImagePolicy) int64 {
	if candidate == nil {
		return 0
	}
	round, err := strconv.ParseInt(candidate.Annotations[pin.RoundAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return round
}

// completedRound is the round of a candidate once all these intents are written.
func completedRound(candidate *imagev1.ImagePolicy, intents []pin.Intent) int64 {
	rounds := []int64{roundOf(candidate)}
	for _, intent := range intents {
		rounds = append(rounds, intent.Round)
	}
	return slices.Max(rounds)
}

// gitOf is the policy's part about Git; the zero one if it has none.
func gitOf(policy *v1alpha1.AppUpgradePolicy) v1alpha1.Git {
	if policy.Spec.Git == nil {
		return v1alpha1.Git{}
	}
	return *policy.Spec.Git
}

func commitOf(git v1alpha1.Git) pin.Commit {
	var commit pin.Commit
	commit.Push = resolve.PushOf(git.Push)
	look := git.Commit
	if look == nil {
		return commit
	}
	commit.MessageTemplate = look.MessageTemplate
	if author := look.Author; author != nil {
		commit.AuthorName, commit.AuthorEmail = author.Name, author.Email
	}
	if key := look.SigningKey; key != nil {
		commit.Signing = pin.Signing{Type: string(cmp.Or(key.Type, v1alpha1.SigningKeyGPG)), Secret: key.SecretRef.Name}
	}
	return commit
}
