{{/* The name of every object that the chart makes. */}}
{{- define "resource.default.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "resource.serviceAccount.name" -}}
{{- .Values.serviceAccount.name | default (include "resource.default.name" .) -}}
{{- end -}}

{{/* Labels that select the operator's pods: they must never change. */}}
{{- define "labels.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "labels.common" -}}
{{ include "labels.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
application.giantswarm.io/team: {{ index .Chart.Annotations "io.giantswarm.application.team" | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | quote }}
{{- end -}}

{{/* The object on which the replicas agree about the leader. */}}
{{- define "leaderElection.lease" -}}
app-upgrade-operator.upgrades.giantswarm.io
{{- end -}}
