package demo

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// world is what is known of the cluster and of Git.
type world struct {
	// ranges that policies allow, by chart.
	ranges map[string]*semver.Constraints

	apps        map[string]appState
	tags        map[string]map[string]bool // chart → tags that Flux has seen
	candidates  map[string]string          // candidate ImagePolicy → its tag
	pins        map[string]pinState
	automations map[string]automationState
	targets     map[string]v1alpha1.TargetStatus // App → its entry in a policy's status
	held        map[string][]v1alpha1.Held       // policy → why not newer
	// armed are the batches that an automation selected, in order.
	armed   []string
	commits []commit // the oldest first
}

type appState struct{ version, installed, release string }

// runs reports whether a version is what the App should have, and has.
func (a appState) runs(version string) bool {
	return a.version == version && a.installed == version && a.release == "deployed"
}

type pinState struct {
	app, batch, from, wanted string
	// told is the batch whose arming was told.
	told string
}

type automationState struct {
	batch string
	// handled: Flux has done what it was asked to.
	handled bool
}

func (a automationState) atRest() bool { return a.batch == pin.AtRest && a.handled }

func newWorld(ranges map[string]*semver.Constraints) *world {
	return &world{
		ranges: ranges, apps: map[string]appState{}, tags: map[string]map[string]bool{}, candidates: map[string]string{},
		pins: map[string]pinState{}, automations: map[string]automationState{},
		targets: map[string]v1alpha1.TargetStatus{}, held: map[string][]v1alpha1.Held{},
	}
}

// see takes in the present state of an object, and returns what is worth telling about its change.
func (w *world) see(object client.Object) []entry {
	switch object := object.(type) {
	case *appv1alpha1.App:
		return w.seeApp(object)
	case *imagev1.ImageRepository:
		return w.seeScan(object)
	case *imagev1.ImagePolicy:
		return w.seeImagePolicy(object)
	case *automationv1.ImageUpdateAutomation:
		return w.seeAutomation(object)
	case *v1alpha1.AppUpgradePolicy:
		return w.seePolicy(object)
	default:
		return nil // a GitRepository only says that Git has changed
	}
}

func (w *world) seeApp(app *appv1alpha1.App) []entry {
	before, known := w.apps[app.Name]
	release, _ := app.ReleaseStatus()
	now := appState{version: app.Spec.Version, installed: app.InstalledVersion(), release: release}
	w.apps[app.Name] = now
	var told []entry
	switch {
	case !known:
		told = append(told, entryf(labelApp, "%s %s, created by Flux", app.Name, now.version))
	case before.version != now.version:
		told = append(told, entryf(labelApp, "%s %s → %s", app.Name, before.version, now.version))
	}
	if now.runs(now.version) && !before.runs(now.version) {
		told = append(told, entryf(labelDeployed, "%s %s", app.Name, now.installed))
	}
	return told
}

func (w *world) seeScan(scan *imagev1.ImageRepository) []entry {
	if scan.Status.LastScanResult == nil {
		return nil
	}
	chart := path.Base(scan.Spec.Image)
	seen := w.tags[chart]
	if seen == nil {
		seen = map[string]bool{}
		w.tags[chart] = seen
	}
	var told []entry
	for _, tag := range slices.Backward(scan.Status.LastScanResult.LatestTags) {
		if !seen[tag] {
			seen[tag] = true
			told = append(told, entryf(labelTag, "%s %s, %s", chart, tag, w.verdict(chart, tag)))
		}
	}
	return told
}

// verdict says what a policy makes of a tag.
func (w *world) verdict(chart, tag string) string {
	allowed := w.ranges[chart]
	if allowed == nil {
		return "which no policy asks for"
	}
	parsed, err := semver.NewVersion(tag)
	switch {
	case err != nil:
		return "not a version"
	case allowed.Check(parsed):
		return "in " + allowed.String()
	case parsed.Prerelease() != "":
		return "a pre-release: never taken"
	default:
		return "not in " + allowed.String() + ": never taken"
	}
}

func (w *world) seeImagePolicy(policy *imagev1.ImagePolicy) []entry {
	switch policy.Labels[pin.RoleLabel] {
	case pin.RoleCandidate:
		return w.seeCandidate(policy)
	case pin.RolePin:
		return w.seePin(policy)
	default:
		return nil
	}
}

func (w *world) seeCandidate(policy *imagev1.ImagePolicy) []entry {
	if policy.Status.LatestRef == nil || policy.Status.LatestRef.Tag == w.candidates[policy.Name] {
		return nil
	}
	tag := policy.Status.LatestRef.Tag
	w.candidates[policy.Name] = tag
	return []entry{entryf(labelCandidate, "%s is the newest for %s", tag, policy.Labels[pin.PolicyLabel])}
}

func (w *world) seePin(policy *imagev1.ImagePolicy) []entry {
	memory, err := pin.MemoryOf(policy)
	if err != nil {
		return []entry{entryf(labelProblem, "%v", err)}
	}
	w.pins[policy.Name] = pinState{
		app: strings.TrimPrefix(policy.Name, pin.Name("App", "")), batch: policy.Labels[pin.BatchLabel],
		from: memory.From, wanted: memory.Wanted, told: w.pins[policy.Name].told,
	}
	return w.tellArmed()
}

func (w *world) seeAutomation(automation *automationv1.ImageUpdateAutomation) []entry {
	before, known := w.automations[automation.Name]
	now := automationState{
		handled: automation.Annotations[fluxmeta.ReconcileRequestAnnotation] == automation.Status.LastHandledReconcileAt,
	}
	if automation.Spec.PolicySelector != nil {
		now.batch = automation.Spec.PolicySelector.MatchLabels[pin.BatchLabel]
	}
	w.automations[automation.Name] = now
	if now.batch != pin.AtRest && !slices.Contains(w.armed, now.batch) {
		w.armed = append(w.armed, now.batch)
	}
	told := w.tellArmed()
	if known && before.batch != pin.AtRest && now.batch == pin.AtRest {
		told = append(told, entryf(labelDisarmed, "batch %s: Flux is told to write nothing", before.batch))
	}
	if known && now.atRest() && !before.atRest() {
		told = append(told, entryf(labelAtRest, "Flux has heard it: no line of the repository can be written"))
	}
	return told
}

// tellArmed tells of each pin once that its batch is armed. Pin and automation may be heard of in any order.
func (w *world) tellArmed() []entry {
	armed := map[string]bool{}
	for _, automation := range w.automations {
		armed[automation.batch] = true
	}
	var told []entry
	for _, name := range slices.Sorted(maps.Keys(w.pins)) {
		p := w.pins[name]
		if p.batch == "" || p.batch == p.told || !armed[p.batch] {
			continue
		}
		p.told = p.batch
		w.pins[name] = p
		told = append(told, entryf(labelArmed, "%s %s → %s, batch %s", p.app, p.from, p.wanted, p.batch))
	}
	return told
}

func (w *world) seePolicy(policy *v1alpha1.AppUpgradePolicy) []entry {
	w.held[policy.Name] = policy.Status.Held
	var told []entry
	for _, target := range policy.Status.Targets {
		before := w.targets[target.Name]
		w.targets[target.Name] = target
		if target.Finding != nil && (before.Finding == nil || *before.Finding != *target.Finding) {
			told = append(told, entryf(labelFinding, "%s: %s: %s", target.Name, target.Finding.Reason, target.Finding.Message))
		}
		if target.State == v1alpha1.TargetHeld && before.State != v1alpha1.TargetHeld {
			told = append(told, entryf(labelHeld, "%s: %s", target.Name, reasons(policy.Status.Held)))
		}
	}
	return told
}

func reasons(held []v1alpha1.Held) string {
	texts := make([]string, 0, len(held))
	for _, h := range held {
		texts = append(texts, fmt.Sprintf("%s %s: %s", h.Version, h.Reason, h.Message))
	}
	return strings.Join(texts, "; ")
}

// add takes in a commit and tells of it.
func (w *world) add(c commit) entry {
	w.commits = append(w.commits, c)
	return describe(c)
}

// head is the hash of the last commit that is known.
func (w *world) head() string {
	if len(w.commits) == 0 {
		return ""
	}
	return w.commits[len(w.commits)-1].Hash
}

// atRest complains if Flux might write a line.
func (w *world) atRest() error {
	for name, automation := range w.automations {
		if !automation.atRest() {
			return fmt.Errorf("ImageUpdateAutomation %s selects batch %q, or has not heard yet that it does no more", name, automation.batch)
		}
	}
	for name, p := range w.pins {
		if p.batch != "" {
			return fmt.Errorf("pin %s is in batch %s", name, p.batch)
		}
	}
	return nil
}

// runs complains unless an App has a version and runs it.
func (w *world) runs(app, version string) error {
	if is := w.apps[app]; !is.runs(version) {
		return fmt.Errorf("the App %s should run %s; its spec has %q, installed is %q (%s)", app, version, is.version, is.installed, is.release)
	}
	return nil
}

// inState complains unless a policy's status has an App in a state.
func (w *world) inState(app string, state v1alpha1.TargetState) error {
	if is := w.targets[app].State; is != state {
		return fmt.Errorf("the App %s should be %s in its policy's status and is %q", app, state, is)
	}
	return nil
}

// sawTag complains unless Flux has seen a tag.
func (w *world) sawTag(chart, tag string) error {
	if !w.tags[chart][tag] {
		return fmt.Errorf("tag %s of chart %s is not seen by Flux yet", tag, chart)
	}
	return nil
}
