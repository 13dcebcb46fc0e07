{{- define "waybill.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough that what is put behind it still fits into a name of 63 characters. */}}
{{- define "waybill.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains (include "waybill.name" .) .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "waybill.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "waybill.selectorLabels" -}}
app.kubernetes.io/name: {{ include "waybill.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "waybill.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "waybill.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "waybill.secretName" -}}
{{- .Values.secrets.existingSecret | default (include "waybill.fullname" .) }}
{{- end }}

{{- define "waybill.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "waybill.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* The wait before the drain, the drain itself, and what closing connections may take. */}}
{{- define "waybill.graceSeconds" -}}
{{- add .Values.preStopSeconds (dig "DrainSeconds" 25 .Values.config) 10 }}
{{- end }}

{{- define "waybill.scheme" -}}
{{- ternary "HTTPS" "HTTP" (ne .Values.tls.existingSecret "") }}
{{- end }}

{{/* As the gateway itself would, but before anything is installed. */}}
{{- define "waybill.checkAccess" -}}
{{- if and .Values.tls.clientCa (not .Values.tls.existingSecret) }}
{{- fail "tls.clientCa takes tls.existingSecret, which holds its ca.crt" }}
{{- end }}
{{- $asks := or .Values.tokens.existingSecret .Values.tls.clientCa (dig "JwtJwksUrl" "" .Values.config) }}
{{- if not (or $asks (dig "AllowInsecure" false .Values.config)) }}
{{- fail "nobody would be asked who they are: set tokens.existingSecret, config.JwtJwksUrl or tls.clientCa; or config.AllowInsecure: true where the network keeps strangers out" }}
{{- end }}
{{- end }}
