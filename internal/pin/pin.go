// Package pin is the meeting point of the operator's two loops: what a pin carries besides its Flux spec.
//
// A pin is the Flux ImagePolicy of one location. The policy controller writes its Intent, what the pin should want; the
// repository controller writes its Memory, what was seen and done in Git. Neither writes the other's. Both are bounded,
// versioned JSON in annotations, so that a lost status changes nothing.
package pin

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
)

// Labels and annotations of the objects that the operator makes.
const (
	// ManagedByLabel marks every object that the operator makes; its value is ManagedBy.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of ManagedByLabel.
	ManagedBy = "app-upgrade-operator"
	// RoleLabel says what an object is for: one of the Role constants.
	RoleLabel = "upgrades.giantswarm.io/role"
	// PolicyLabel names the policy of a candidate or pin. (Policies get renamed; the text of a marker stays in Git.)
	PolicyLabel = "upgrades.giantswarm.io/policy"
	// RepositoryLabel is the key of the repository branch, see gitops.Key, on pins and automations.
	RepositoryLabel = "upgrades.giantswarm.io/repository"
	// BatchLabel is on a pin the batch that it moves in. An armed automation selects by it.
	BatchLabel = "upgrades.giantswarm.io/batch"
	// AtRest is the reserved batch that an automation at rest selects and that no pin ever has.
	AtRest = "at-rest"

	// IntentAnnotation carries an Intent on a pin.
	IntentAnnotation = "upgrades.giantswarm.io/intent"
	// MemoryAnnotation carries a Memory on a pin.
	MemoryAnnotation = "upgrades.giantswarm.io/memory"
	// RoundAnnotation on a candidate is the newest round of its policy whose intents are all written.
	RoundAnnotation = "upgrades.giantswarm.io/round"
)

// Values of RoleLabel.
const (
	RoleCandidate = "candidate"
	// RoleStep is that of an ImagePolicy which looks for the next step of neverSkip.
	RoleStep       = "step"
	RolePin        = "pin"
	RoleScan       = "scan"
	RoleAutomation = "automation"
)

// version of the annotations' format.
const version = 1

// Intent is what the policy controller wants of a pin.
type Intent struct {
	Version int    `json:"version"`
	Target  Target `json:"target"`
	// Written is the object in which the target's version is written, if that is another one of the same namespace.
	Written *Target `json:"written,omitempty"`
	Source  Source  `json:"source"`
	Commit  Commit  `json:"commit,omitzero"`
	// Want is the tag that the location should have; empty: keep what Git has.
	Want string `json:"want,omitempty"`
	// Back is the version that a rollback leaves; empty: Want must be newer than what Git has. Git must have exactly Back for
	// the pin to go downward to Want.
	Back string `json:"back,omitempty"`
	// Wave of the target. Targets of one line and different waves cannot be moved.
	Wave string `json:"wave,omitempty"`
	// Resume is the token by which a human asked last to forget holds and to put deleted markers back; empty: never.
	Resume string `json:"resume,omitempty"`
	// Round numbers the decision that set Want, Mark or Remove. It is followed once the policy's candidate carries this round
	// or a later one: then every pin of the decision has its intent, and one commit does for all.
	Round int64 `json:"round,omitempty"`
	// Mark lets the operator place a marker.
	Mark bool `json:"mark,omitempty"`
	// Unmanaged: a human places and removes the marker; the operator shows the line and never pushes.
	Unmanaged bool `json:"unmanaged,omitempty"`
	// Has is the version that the target has in the cluster, kept up to date until there is a marker; empty: nobody knows.
	Has string `json:"has,omitempty"`
	// AllowShared lets the marker stand on a line that sets the version of others too.
	AllowShared bool `json:"allowShared,omitempty"`
	// RefuseReformat refuses a file whose layout Flux would change.
	RefuseReformat bool `json:"refuseReformat,omitempty"`
	// Remove asks for the marker to be removed, and then the pin.
	Remove bool `json:"remove,omitempty"`
	// Prompt asks for Git to be read once for each value of it; empty: no need to.
	Prompt string `json:"prompt,omitempty"`
}

// Place is the object whose field is the location.
func (i Intent) Place() Target {
	if i.Written != nil {
		return *i.Written
	}
	return i.Target
}

// Target is the object whose version the location has.
type Target struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// Field is the path of the version in the object.
	Field []string `json:"field"`
	// Verbatim: the target pulls the tag that is written. Others pull it without a leading `v`.
	Verbatim bool `json:"verbatim,omitempty"`
}

// Source is where the target is looked for: what a Flux Kustomization applies, or a folder that the user named.
type Source struct {
	// Repository is the Flux GitRepository.
	Repository NamespacedName `json:"repository"`
	// Kustomization applies the target; empty if Path was given by the user and none does.
	Kustomization NamespacedName `json:"kustomization,omitzero"`
	// Path overrides the Kustomization's, which applies from elsewhere.
	Path string `json:"path,omitempty"`
	// Below is the folder or file that the user named, if the Kustomization applies from this repository branch. What it writes elsewhere
	// is not touched.
	Below string `json:"below,omitempty"`
}

// NamespacedName names an object.
type NamespacedName struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// String is `namespace/name`.
func (n NamespacedName) String() string { return n.Namespace + "/" + n.Name }

// Commit is how commits about this pin look. Pins that differ in it have different automations.
type Commit struct {
	AuthorName      string `json:"authorName,omitempty"`
	AuthorEmail     string `json:"authorEmail,omitempty"`
	MessageTemplate string `json:"messageTemplate,omitempty"`
	Push            Push   `json:"push,omitzero"`
	// Signing is the key that signs the commits; the zero value: they are not signed.
	Signing Signing `json:"signing,omitzero"`
}

// Signing names a key that signs commits.
type Signing struct {
	// Type is the format of the key, `gpg` or `ssh`.
	Type string `json:"type,omitempty"`
	// Secret holds the key; it is in the pin's namespace.
	Secret string `json:"secret,omitempty"`
}

// Memory is what the repository controller saw and did for a pin.
type Memory struct {
	Version int `json:"version"`
	// Repository is the key of the repository branch that all this is about. A pin that moved to another remembers nothing.
	Repository string `json:"repository,omitempty"`
	// File and Line (from 1) are where the version was read last; empty: not found.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Git is the text of the version that was read last, at Revision, a commit hash: that of the push branch while a proposal
	// of ours stands there (see Proposal), else that of the checkout branch.
	Git      string `json:"git,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Marked: the location has had our marker. It stays true when a human deletes the marker.
	Marked bool `json:"marked,omitempty"`
	// Astray is a file in which our marker still stands although the version is written in File now, as after a patch gave the
	// target a line of its own; empty: none. The next commit of markers takes it away there.
	Astray string `json:"astray,omitempty"`
	// Leader names the pin whose marker stands on this target's line, if that is not this pin.
	Leader string `json:"leader,omitempty"`
	// From (text in Git) and Wanted (tag) are those of the last batch of this pin, Batch its id.
	From   string `json:"from,omitempty"`
	Wanted string `json:"wanted,omitempty"`
	Batch  string `json:"batch,omitempty"`
	// Commit is the commit in which the last batch wrote this location.
	Commit string `json:"commit,omitempty"`
	// Hold is why the pin stays although it should move.
	Hold *Hold `json:"hold,omitempty"`
	// Restore is a human's value that Flux overwrote and that is to be given back.
	Restore string `json:"restore,omitempty"`
	// Proposal is about the push branch, if versions are not pushed to the checkout branch.
	Proposal Proposal `json:"proposal,omitzero"`
	// Finding is what a human should look at.
	Finding *Finding `json:"finding,omitempty"`
	// Note is what a human should know although nothing is wrong: how Flux will change the layout of the file.
	Note string `json:"note,omitempty"`
	// Foreign is the ImagePolicy, `namespace/name`, that somebody else's marker on the line names; empty: none. ForeignSeen
	// tells what was known of it when the finding was made.
	Foreign     string `json:"foreign,omitempty"`
	ForeignSeen string `json:"foreignSeen,omitempty"`
	// Prompt is the last value of Intent.Prompt that was followed.
	Prompt string `json:"prompt,omitempty"`
	// Resume is the last value of Intent.Resume that was followed.
	Resume string `json:"resume,omitempty"`
	// RetryAt is the earliest time, RFC 3339, at which a finding is looked at again unasked.
	RetryAt string `json:"retryAt,omitempty"`
	// Failures counts what failed in a row, for back-off.
	Failures int `json:"failures,omitempty"`
}

// Hold keeps a location at its value because a human chose it.
type Hold struct {
	Reason string `json:"reason"`
	// UpTo is the newest version that is kept away: the one that the human left.
	UpTo string `json:"upTo"`
}

// Finding is what a human should look at.
type Finding struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Name is the name of a target's pin, such as `pin.app.prod-hello`.
func Name(kind, target string) string {
	return "pin." + strings.ToLower(kind) + "." + target
}

// CandidateName is the name of a policy's candidate ImagePolicy.
func CandidateName(policy string) string { return policy + ".candidate" }

// StepName is the name of the ImagePolicy that looks for the next step after a version's, such as `hello.next.1-4`.
func StepName(policy, step string) string {
	return policy + ".next." + strings.ReplaceAll(step, ".", "-")
}

// Filter is the tag pattern that selects exactly one tag.
func Filter(tag string) string { return "^" + regexp.QuoteMeta(tag) + "$" }

// IntentOf reads a pin's intent. A pin without one has the zero Intent.
func IntentOf(p *imagev1.ImagePolicy) (Intent, error) {
	var intent Intent
	err := decode(p, IntentAnnotation, &intent, &intent.Version)
	return intent, err
}

// MemoryOf reads a pin's memory. A pin without one has the zero Memory: it is treated as new.
func MemoryOf(p *imagev1.ImagePolicy) (Memory, error) {
	var memory Memory
	err := decode(p, MemoryAnnotation, &memory, &memory.Version)
	return memory, err
}

// Encode is the annotation's text.
func (i Intent) Encode() string {
	i.Version = version
	return encode(i)
}

// Encode is the annotation's text.
func (m Memory) Encode() string {
	m.Version = version
	return encode(m)
}

func encode(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it is no HTML, and a range has many of <, > and &
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("pin: %v", err)) // strings, numbers and booleans only: cannot happen
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func decode(p *imagev1.ImagePolicy, annotation string, into any, got *int) error {
	text, ok := p.Annotations[annotation]
	if !ok {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("annotation %s of ImagePolicy %s/%s is no valid JSON: %w", annotation, p.Namespace, p.Name, err)
	}
	if *got > version {
		return fmt.Errorf("annotation %s of ImagePolicy %s/%s has format %d, this operator knows %d: run the newer operator",
			annotation, p.Namespace, p.Name, *got, version)
	}
	return nil
}
