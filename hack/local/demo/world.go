package demo

import (
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
	ranges map[string][]*semver.Constraints

	apps        map[string]appState
	specs       map[string][]string        // App → the versions that its spec had, one after the other
	tags        map[string]map[string]bool // chart → tags that Flux has seen
	candidates  map[string]string          // candidate ImagePolicy → its tag
	pins        map[string]pinState
	automations map[string]automationState
	targets     map[string]v1alpha1.TargetStatus // App → its entry in a policy's status
	policies    map[string]v1alpha1.AppUpgradePolicyStatus
	// armed are the batches that an automation selected, in order.
	armed   []string
	commits []commit // the oldest first
}

// helmFailed is the status of a release that Helm could not install.
const helmFailed = "failed"

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

// direction says that a pin goes back, if it does.
func (p pinState) direction() string {
	if newer(p.from, p.wanted) {
		return " (back)"
	}
	return ""
}

type automationState struct {
	batch string
	// handled: Flux has done what it was asked to.
	handled bool
}

func (a automationState) atRest() bool { return a.batch == pin.AtRest && a.handled }

func newWorld(ranges map[string][]*semver.Constraints) *world {
	return &world{
		ranges: ranges, apps: map[string]appState{}, specs: map[string][]string{}, tags: map[string]map[string]bool{}, candidates: map[string]string{},
		pins: map[string]pinState{}, automations: map[string]automationState{},
		targets: map[string]v1alpha1.TargetStatus{}, policies: map[string]v1alpha1.AppUpgradePolicyStatus{},
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
	if !known || before.version != now.version {
		w.specs[app.Name] = append(w.specs[app.Name], now.version)
	}
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
	if now.release == helmFailed && (before.release != helmFailed || before.installed != now.installed) {
		told = append(told, entryf(labelBroken, "%s %s: its release is %s", app.Name, now.installed, now.release))
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
	if len(w.ranges[chart]) == 0 {
		return "which no policy asks for"
	}
	parsed, err := semver.NewVersion(tag)
	if err != nil {
		return "not a version"
	}
	var in, out []string
	for _, allowed := range w.ranges[chart] {
		if allowed.Check(parsed) {
			in = append(in, allowed.String())
		} else {
			out = append(out, allowed.String())
		}
	}
	switch {
	case len(in) > 0:
		return "in " + strings.Join(in, " and ")
	case parsed.Prerelease() != "":
		return "a pre-release: never taken"
	default:
		return "not in " + strings.Join(out, " or ") + ": never taken"
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
		told = append(told, entryf(labelArmed, "%s %s → %s%s, batch %s", p.app, p.from, p.wanted, p.direction(), p.batch))
	}
	return told
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
