# One image for every service, the gateway and the commands: what a container does is its command.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS web
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# Node comes as a wheel; only the built files go on from here.
COPY requirements-web.lock ./
RUN pip install --require-hashes --requirement requirements-web.lock
COPY credit credit
COPY gateway/web gateway/web
RUN python -m credit.web_app build

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/credit
# The packages change less often than the code: their layer is kept between builds.
COPY requirements.lock ./
RUN /opt/credit/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY gateway gateway
COPY credit credit
COPY --from=web /src/gateway/web/dist gateway/web/dist
RUN /opt/credit/bin/pip install --no-deps --no-build-isolation . \
    && /opt/credit/bin/python -m compileall -q /opt/credit/lib

FROM python:${PYTHON}-slim
RUN useradd --system --user-group --uid 10001 --home-dir /var/lib/credit --shell /usr/sbin/nologin credit \
    # A volume takes over the owner of the folder that it is first mounted on.
    && for folder in . keys files handout handout/customer handout/application handout/workflow \
         handout/limits handout/risk_rules handout/reporting handout/gateway; do \
         install -d -o credit -g credit -m 0700 /var/lib/credit/$folder; \
       done
COPY --from=build /opt/credit /opt/credit
ENV PATH=/opt/credit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CREDIT_DATA_DIR=/var/lib/credit \
    CREDIT_HTTP_HOST=0.0.0.0
USER credit
WORKDIR /var/lib/credit
STOPSIGNAL SIGTERM
ENTRYPOINT ["credit"]
CMD ["--help"]
