"""The yardstick: the least that a Streamlit page with a control can be."""

import streamlit as st

st.write(st.slider("Value", 0, 100, 50))
