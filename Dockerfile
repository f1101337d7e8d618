# syntax=docker/dockerfile:1
# Three stages: the browser's packages, the Python environment, and what runs.

FROM node:22-slim AS front
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Where torch's CPU wheel comes from; the hashes in torch.lock refuse every other build.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /build
COPY requirements/base.lock requirements/torch.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes --no-deps -r base.lock \
    && /opt/venv/bin/pip install --require-hashes --no-deps --index-url "$TORCH_INDEX" -r torch.lock
COPY app/__init__.py app/__init__.py
COPY app/web/__init__.py app/web/fonts.py app/web/
RUN /opt/venv/bin/python -m app.web.fonts /build/vendor/stix-two-math.woff2
COPY --from=front /build/node_modules/htmx.org/dist/htmx.min.js /build/vendor/htmx.min.js

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 mendao \
    && install -d -o mendao -g mendao /data
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
WORKDIR /srv/mendao
COPY --from=packages /opt/venv /opt/venv
COPY app app
RUN python -m compileall -q app
COPY templates templates
COPY static static
COPY questions questions
COPY --from=packages /build/vendor static/vendor
USER mendao
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "-m", "app.main", "--host", "0.0.0.0", "--port", "8000", "--data", "/data"]
