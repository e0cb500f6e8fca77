package batch

import (
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestNextTendsAutomations(t *testing.T) {
	for name, tc := range map[string]nextCase{
		"makes one that a marked pin needs": {pins: []Pin{placed("a")}, automations: []Automation{{Key: main}}, want: Ensure{Automation: main}},
		"repairs one":                       {pins: []Pin{placed("a")}, automations: []Automation{resting(func(a *Automation) { a.Drifted = true })}, want: Ensure{Automation: main}},
		"drops one that nobody needs":       {automations: []Automation{resting()}, want: Drop{Automation: main}},
		"makes none for a pin without a marker": {
			pins: []Pin{placed("a", marked(false))}, automations: []Automation{{Key: main}}, want: Visit{Repository: source},
		},
		"drops before the marker goes": {
			pins: []Pin{placed("a", func(p *Pin) { p.Intent.Remove = true })}, automations: []Automation{resting()}, want: Drop{Automation: main},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestNextWithoutGit(t *testing.T) {
	leaving, orphan := func(p *Pin) { p.Intent.Remove = true }, func(p *Pin) { p.Orphaned = true }
	foreign, refused := func(p *Pin) { p.Foreign = "theirs" }, func(p *Pin) { p.Refused = true }
	found := func(reason, message string) func(*pin.Memory) {
		return func(m *pin.Memory) { m.Finding = &pin.Finding{Reason: reason, Message: message} }
	}
	cleared := func(m *pin.Memory) { m.Finding, m.RetryAt, m.Failures = nil, "", 0 }
	failed := func(p *Pin) { p.Memory.Wanted = "1.2.0" }
	for name, tc := range map[string]nextCase{
		"forgets what is out of reach":   {pins: []Pin{placed("a", leaving, refused), placed("b")}, want: Forget{Pins: []Key{key("a")}}},
		"forgets an orphan out of reach": {pins: []Pin{placed("a", orphan, refused), placed("b")}, want: Forget{Pins: []Key{key("a")}}},
		"forgets what a human unmarks":   {pins: []Pin{placed("a", leaving, func(p *Pin) { p.Intent.Unmanaged = true }), placed("b")}, want: Forget{Pins: []Key{key("a")}}},
		"notes a push that is forbidden": {
			pins: []Pin{placed("a", wants120, func(p *Pin) { p.Forbidden = &pin.Finding{Reason: reasonPushForbidden, Message: "no"} })},
			want: Note{Pins: remembers(found(reasonPushForbidden, "no"), placed("a", wants120))},
		},
		"forgets it once it is allowed": {pins: []Pin{placed("a", finding(reasonPushForbidden, time.Time{}))}, want: Note{Pins: remembers(nil, placed("a"))}},
		"notes a foreign automation":    {pins: []Pin{placed("a", foreign)}, want: Note{Pins: remembers(found(reasonForeignAutomation, "theirs"), placed("a"))}},
		"notes it over another finding": {
			pins: []Pin{placed("a", foreign, finding(reasonMarkerMissing, time.Time{}))},
			want: Note{Pins: remembers(found(reasonForeignAutomation, "theirs"), placed("a"))},
		},
		"notes another message": {
			pins: []Pin{placed("a", foreign, finding(reasonForeignAutomation, time.Time{}))},
			want: Note{Pins: remembers(found(reasonForeignAutomation, "theirs"), placed("a"))},
		},
		"notes that it is gone": {
			pins: []Pin{placed("a", finding(reasonForeignAutomation, time.Time{}))}, want: Note{Pins: remembers(nil, placed("a"))},
		},
		"notes that nobody wants the missing tag any more": {
			pins: []Pin{placed("a", failed, finding(reasonTagMissing, noon.Add(-time.Minute)))},
			want: Note{Pins: remembers(cleared, placed("a", failed))},
		},
		"notes that another tag is wanted": {
			pins: []Pin{placed("a", failed, finding(reasonUpdateFailed, noon.Add(time.Minute)), func(p *Pin) { p.Intent.Want = "1.3.0" })},
			want: Note{Pins: remembers(cleared, placed("a", failed))},
		},
		"relaxes what still selects the last batch's tag": {
			pins: []Pin{placed("a", func(p *Pin) { p.Filter = pin.Filter("1.2.0") })}, want: Relax{Pins: []Key{key("a")}},
		},
	} {
		tc.automations = []Automation{resting()}
		t.Run(name, tc.run)
	}
}

// signer is who signs for pins that are signed.
var signer = Signer{Namespace: "org", Signing: pin.Signing{Type: "ssh", Secret: "signing"}}

func signed(p *Pin) { p.Intent.Commit.Signing = signer.Signing }

func TestNextVisits(t *testing.T) {
	past, future := noon.Add(-time.Minute), noon.Add(time.Minute)
	visit, nothing := Visit{Repository: source}, Wait{}
	optional := func(p *Pin) { p.Intent.Commit.Push.Options = "ci.skip=" }
	parted := func(wave string) func(*Pin) {
		return func(p *Pin) {
			p.Memory.File, p.Memory.Marked, p.Intent.Wave = "base.yaml", false, wave
			p.Memory.Finding = &pin.Finding{Reason: reasonSeveralWaves, Message: "message"}
		}
	}
	leader := func(p *Pin) { p.Memory.Leader, p.Memory.Marked = "pin.app.b", false }
	// theirs has somebody else's marker, as it was and as it is.
	theirs := func(seen, is string) func(*Pin) {
		return func(p *Pin) {
			p.Memory.Marked, p.Memory.Foreign, p.Memory.ForeignSeen, p.ForeignPolicy = false, "org/hand", seen, is
			p.Memory.Finding = &pin.Finding{Reason: "ForeignMarker", Message: "message"}
		}
	}
	refuses := func(p *Pin) { p.Intent.RefuseReformat = true }
	for name, tc := range map[string]nextCase{
		"nothing to do":                {pins: []Pin{placed("a")}, want: nothing},
		"a new pin":                    {pins: []Pin{placed("a", func(p *Pin) { p.Memory, p.Filter = pin.Memory{}, "" })}, want: visit},
		"a version that is empty":      {pins: []Pin{placed("a", func(p *Pin) { p.Memory.Git, p.Filter = "", "" })}, want: nothing},
		"a marker to place":            {pins: []Pin{placed("a", marked(false))}, want: visit},
		"none while suspended":         {pins: []Pin{placed("a", marked(false), suspended), placed("b")}, want: nothing},
		"a marker to remove":           {pins: []Pin{placed("a", func(p *Pin) { p.Intent.Remove = true }), placed("b")}, want: visit},
		"an orphan's marker":           {pins: []Pin{placed("a", func(p *Pin) { p.Orphaned, p.Decided = true, false }), placed("b")}, want: visit},
		"a prompt":                     {pins: []Pin{placed("a", func(p *Pin) { p.Intent.Prompt = "x" })}, want: visit},
		"a prompt that was followed":   {pins: []Pin{placed("a", func(p *Pin) { p.Intent.Prompt, p.Memory.Prompt = "x", "x" })}, want: nothing},
		"a finding stays":              {pins: []Pin{placed("a", finding(reasonMarkerMissing, time.Time{}))}, want: nothing},
		"a finding is looked at again": {pins: []Pin{placed("a", finding("GitUnreadable", past))}, want: visit},
		"a finding is looked at later": {pins: []Pin{placed("a", finding("GitUnreadable", future))}, want: Wait{Until: future}},
		"a push of markers is retried": {pins: []Pin{placed("a", marked(false), finding(reasonGitUnwritable, past)), placed("b")}, want: visit},
		"a tag is no matter of Git's": {
			pins: []Pin{placed("a", wants120, finding(reasonTagMissing, past), suspended, func(p *Pin) { p.Memory.Wanted = "1.2.0" })}, want: nothing,
		},
		"a follower":               {pins: []Pin{placed("a", leader), placed("b")}, want: nothing},
		"a follower without one":   {pins: []Pin{placed("a", leader), placed("c")}, want: visit},
		"waves of one line differ": {pins: []Pin{placed("a", parted("canary")), placed("b", parted("production"))}, want: nothing},
		"waves of one line agree":  {pins: []Pin{placed("a", parted("canary")), placed("b", parted("canary"))}, want: visit},
		"waves of one line agree for now": {
			pins: []Pin{placed("a", parted("canary")), placed("b", parted("canary"), func(p *Pin) { p.Decided = false })}, want: nothing,
		},
		"only one wave of a line is left": {
			pins: []Pin{placed("a", parted("canary")), placed("b", parted("production"), func(p *Pin) { p.Memory.Line++ })}, want: visit,
		},
		"Git is asked later": {pins: []Pin{placed("a", marked(false)), placed("b")}, change: func(o *Observation) { o.GitRetryAt[source] = future }, want: Wait{Until: future}},
		"another Git is asked now": {
			pins:   []Pin{placed("a", marked(false)), placed("b", marked(false), func(p *Pin) { p.Intent.Source.Repository.Name = "other" }), placed("c")},
			change: func(o *Observation) { o.GitRetryAt[source] = future },
			want:   Visit{Repository: pin.NamespacedName{Namespace: "flux", Name: "other"}},
		},
		"somebody's ImagePolicy as it was":    {pins: []Pin{placed("a", theirs("x+", "x")), placed("b")}, want: nothing},
		"somebody's ImagePolicy has changed":  {pins: []Pin{placed("a", theirs("x+", "y")), placed("b")}, want: visit},
		"somebody's marker may be replaced":   {pins: []Pin{placed("a", theirs("x", "x")), placed("b")}, want: visit},
		"somebody's marker, and suspended":    {pins: []Pin{placed("a", theirs("x", "x"), suspended), placed("b")}, want: nothing},
		"another version than in the cluster": {pins: []Pin{placed("a", finding(reasonVersionDiffers, time.Time{}), has("0.9.0"))}, want: nothing},
		"the version of the cluster by now":   {pins: []Pin{placed("a", finding(reasonVersionDiffers, time.Time{}), has("v1.0.0"))}, want: visit},
		"a layout that is refused":            {pins: []Pin{placed("a", refuses, finding(reasonWouldReformat, time.Time{}))}, want: nothing},
		"a layout that is not refused by now": {pins: []Pin{placed("a", finding(reasonWouldReformat, time.Time{}))}, want: visit},
		"a marker pushed with options":        {pins: []Pin{placed("a", marked(false), optional)}, want: Visit{Repository: source, Options: "ci.skip="}},
		"a signed marker":                     {pins: []Pin{placed("a", marked(false), signed)}, want: Visit{Repository: source, Signer: signer}},
		"a key is asked for later": {
			pins:   []Pin{placed("a", marked(false), signed), placed("b")},
			change: func(o *Observation) { o.SignRetryAt[signer] = future }, want: Wait{Until: future},
		},
		"a bad key is no matter of others": {
			pins:   []Pin{placed("a", marked(false), signed), placed("b", marked(false)), placed("c")},
			change: func(o *Observation) { o.SignRetryAt[signer] = future }, want: visit,
		},
	} {
		tc.automations = []Automation{resting()}
		if !tc.pins[0].Memory.Marked && !tc.pins[len(tc.pins)-1].Memory.Marked || len(tc.pins) == 1 && Leaves(tc.pins[0]) {
			tc.automations = nil
		}
		t.Run(name, tc.run)
	}
}

func TestNextStartsBatches(t *testing.T) {
	id := ownID(Observation{NewID: newID, Leader: "me"})
	prepares := func(names ...string) Action {
		wanted := map[Key]string{}
		for _, name := range names {
			wanted[key(name)] = "1.2.0"
		}
		return Prepare{ID: id, Wanted: wanted}
	}
	hold := func(upTo string) func(*Pin) {
		return func(p *Pin) { p.Memory.Hold = &pin.Hold{Reason: reasonManualHold, UpTo: upTo} }
	}
	wanted := func(tag string) func(*Pin) { return func(p *Pin) { p.Memory.Wanted = tag } }
	tried, goesBack := wanted("1.2.0"), Prepare{ID: id, Wanted: map[Key]string{key("a"): "0.9.0"}}
	git := func(text string) func(*Pin) {
		return func(p *Pin) { p.Memory.Git, p.Filter = text, pin.Filter(text) }
	}
	past, future := noon.Add(-time.Minute), noon.Add(time.Minute)
	for name, tc := range map[string]nextCase{
		"all that want":         {pins: []Pin{placed("a", wants120), placed("b"), placed("c", wants120)}, want: prepares("a", "c")},
		"not when stopping":     {pins: []Pin{placed("a", wants120)}, change: func(o *Observation) { o.MayArm = false }, want: Wait{}},
		"not while suspended":   {pins: []Pin{placed("a", wants120, suspended)}, want: Wait{}},
		"not while closed":      {pins: []Pin{placed("a", wants120, closed)}, want: Wait{}},
		"but when it opens":     {pins: []Pin{placed("a", wants120, closed)}, change: func(o *Observation) { o.Turns = future }, want: Wait{Until: future}},
		"and what is open now":  {pins: []Pin{placed("a", wants120, closed), placed("b", wants120)}, want: prepares("b")},
		"not undecided":         {pins: []Pin{placed("a", wants120, func(p *Pin) { p.Decided = false })}, want: Wait{}},
		"not downwards":         {pins: []Pin{placed("a", func(p *Pin) { p.Intent.Want = "0.9.0" })}, want: Wait{}},
		"not sideways":          {pins: []Pin{placed("a", func(p *Pin) { p.Intent.Want = "v1.0.0" })}, want: Wait{}},
		"not from nonsense":     {pins: []Pin{placed("a", wants120, func(p *Pin) { p.Memory.Git, p.Filter = "latest", pin.Filter("latest") })}, want: Wait{}},
		"not held":              {pins: []Pin{placed("a", wants120, hold("1.2.0"))}, want: Wait{}},
		"newer than the hold":   {pins: []Pin{placed("a", wants120, hold("1.1.9"))}, want: prepares("a")},
		"not with a finding":    {pins: []Pin{placed("a", wants120, finding(reasonMarkerIneffective, time.Time{}))}, want: Wait{}},
		"not before the retry":  {pins: []Pin{placed("a", wants120, tried, finding(reasonTagMissing, future))}, want: Wait{Until: future}},
		"at the retry":          {pins: []Pin{placed("a", wants120, tried, finding(reasonTagMissing, past))}, want: prepares("a")},
		"not a follower":        {pins: []Pin{placed("a", wants120, func(p *Pin) { p.Memory.Leader = "pin.app.b" }), placed("b")}, want: Wait{}},
		"as many as may":        {pins: []Pin{placed("b", wants120), placed("a", wants120)}, change: func(o *Observation) { o.Limits.Pins = 1 }, want: prepares("a")},
		"fewer after a failure": {pins: []Pin{placed("a", wants120), placed("b", wants120)}, automations: []Automation{ended("b0", Failed, func(a *Automation) { a.Memory.Limit = 1 })}, want: prepares("a")},
		"not before Git's retry": {
			pins: []Pin{placed("a", wants120)}, automations: []Automation{ended("b0", GitFailed, func(a *Automation) { a.Memory.RetryAt = future })}, want: Wait{Until: future},
		},
		"not with a suspended automation, which is noted": {
			pins: []Pin{placed("a", wants120), placed("b")}, automations: []Automation{resting(func(a *Automation) { a.Suspended = true })},
			want: Note{Pins: remembers(func(m *pin.Memory) { m.Finding = suspendedAutomation(main) }, placed("a", wants120))},
		},
		"again when it is resumed": {
			pins:        []Pin{placed("a", wants120, func(p *Pin) { p.Memory.Finding = suspendedAutomation(main) })},
			automations: []Automation{resting()}, want: Note{Pins: remembers(nil, placed("a", wants120))},
		},
		"one automation at a time": {
			pins:        []Pin{placed("a", wants120), placed("b", wants120, func(p *Pin) { p.Automation = second })},
			automations: []Automation{resting(), resting(func(a *Automation) { a.Key = second })}, want: prepares("a"),
		},
		"back to what it was":           {pins: []Pin{placed("a", wantsBack)}, want: goesBack},
		"back, whatever is held":        {pins: []Pin{placed("a", wantsBack, hold("1.0.0"))}, want: goesBack},
		"back from a text with a v":     {pins: []Pin{placed("a", wantsBack, git("v1.0.0"))}, want: goesBack},
		"not back undecided":            {pins: []Pin{placed("a", wantsBack, func(p *Pin) { p.Decided = false })}, want: Wait{}},
		"not back while suspended":      {pins: []Pin{placed("a", wantsBack, suspended)}, want: Wait{}},
		"not back while closed":         {pins: []Pin{placed("a", wantsBack, closed)}, want: Wait{}},
		"not back with a finding":       {pins: []Pin{placed("a", wantsBack, finding(reasonMarkerMissing, time.Time{}))}, want: Wait{}},
		"not back from another version": {pins: []Pin{placed("a", wantsBack, git("1.0.1"))}, want: Wait{}},
		"not back from an older one":    {pins: []Pin{placed("a", wantsBack, git("0.9.5"))}, want: Wait{}},
		"not back to where it is":       {pins: []Pin{placed("a", wantsBack, git("0.9.0"))}, want: Wait{}},
		"not back upwards":              {pins: []Pin{placed("a", wants120, func(p *Pin) { p.Intent.Back = "1.0.0" })}, want: Wait{}},
		"not up from below what failed": {pins: []Pin{placed("a", wantsBack, git("0.8.0"))}, want: Wait{}},
		"back once more if it failed":   {pins: []Pin{placed("a", wantsBack, wanted("0.9.0"))}, want: goesBack},
		"not back again over a human":   {pins: []Pin{placed("a", wantsBack, wanted("0.9.0"), func(p *Pin) { p.Memory.Commit = "c1" })}, want: Wait{}},
		"a human's value, downwards and held": {
			pins: []Pin{placed("a", hold("1.3.0"), func(p *Pin) { p.Memory.Restore = "1.2.0"; p.Memory.Git = "1.3.0"; p.Filter = pin.Filter("1.3.0") })},
			want: prepares("a"),
		},
		"a human's value, while closed": {
			pins: []Pin{placed("a", closed, func(p *Pin) { p.Memory.Restore = "1.2.0" })}, want: prepares("a"),
		},
		"a human's value that is there": {
			pins: []Pin{placed("a", wants120, func(p *Pin) { p.Memory.Restore = "1.0.0" })}, want: Wait{},
		},
	} {
		if tc.automations == nil {
			tc.automations = []Automation{resting()}
		}
		t.Run(name, tc.run)
	}
}
